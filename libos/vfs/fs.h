/* What the files of vfs/ and fs/ share. The outward contract is vfs.h. */
#ifndef LIBOS_VFS_FS_H
#define LIBOS_VFS_FS_H

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/uio.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "thread/thread.h"
#include "vfs.h"

/* Longest transfer of one call, as Linux's MAX_RW_COUNT. */
#define RW_BYTES_MAX 0x7ffff000ull
#define FILE_BYTES_MAX (1ull << 46)
/* Set in the flags of each file that open(2) makes, as on any 64-bit Linux. */
#define FILE_LARGE 0100000u

/* d_type of a directory entry. */
#define DT_OF_MODE(mode) (((mode) & S_IFMT) >> 12)
#define DT_LINK 10u
#define DT_DIRECTORY 4u

static inline u64 make_dev(u32 major, u32 minor)
{
	return (minor & 0xff) | (major << 8) | ((u64)(minor & ~0xffu) << 12);
}

/* dentry.c ------------------------------------------------------------------ */

/*
 * A name in the tree. There is one tree: a mount replaces the dentry of its mount point, so
 * that a parent may belong to another superblock than its child.
 */
struct dentry {
	struct dentry *parent; /* counted; itself for the root and for files without a name */
	struct inode *inode;   /* counted; NULL: known not to exist */
	struct dentry *hash_next;
	struct list_node children, sibling; /* hashed dentries only */
	u32 refs;
	u32 hash;
	u32 len;
	bool hashed;
	bool deleted; /* the name is gone, open files keep the dentry */
	bool mount;   /* may not be removed, renamed or replaced */
	bool overlay; /* the parent's file system does not list the name */
	char *name;   /* NUL-ended */
	char short_name[24];
};

extern struct dentry *fs_root;

/* refs 1, not hashed; takes the reference of inode (also on failure). NULL: no memory. */
struct dentry *dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
/* Name in dir, through the cache: 0 and a counted dentry, without an inode if there is no such file. */
int dentry_lookup(struct dentry *dir, const char *name, size_t len, struct dentry **out);
/* Gives a dentry without an inode one that was just made; takes the reference. */
void dentry_instantiate(struct dentry *d, struct inode *inode);
void dentry_hash(struct dentry *d);
void dentry_delete(struct dentry *d);
/* d takes the place of target (which may be negative); with exchange both swap places. */
void dentry_move(struct dentry *d, struct dentry *target, bool exchange);
bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor);
/* Absolute path, NUL-ended: its length or -ENAMETOOLONG. */
long dentry_path(const struct dentry *d, char *buf, size_t size);

/* namei.c ------------------------------------------------------------------- */

enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* A path resolution under way. */
struct walk {
	struct dentry *at; /* counted */
	struct file *file; /* counted: the walk ended in a link of /proc/self/fd */
	const char *path;  /* what is left */
	char *owned;       /* the memory of path once a symlink was followed */
	u32 links;
	enum last_kind kind; /* the last component, after walk_to_parent */
	const char *name;
	size_t len;
};

int walk_begin(struct walk *w, int dirfd, const char *path);
int walk_to_parent(struct walk *w);
/* After walk_to_parent: goes on behind a symlink that the last component named. */
int walk_follow(struct walk *w, struct inode *link);
int walk_to_end(struct walk *w, bool follow);
/* Whether the last component was followed by a slash: it must be a directory. */
bool walk_wants_directory(const struct walk *w);
void walk_end(struct walk *w);

/* What a path leads to. Either is counted and may be NULL, not both: file is set for an AT_EMPTY_PATH
 * descriptor and for a link of /proc/self/fd. */
struct path {
	struct dentry *dentry;
	struct file *file;
};

/* at_flags: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count. */
int path_lookup(int dirfd, const char *path, u32 at_flags, struct path *out);
/* As above with the path still in guest memory. */
int path_lookup_user(int dirfd, u64 path, u32 at_flags, struct path *out);
void path_put(struct path *p);
struct inode *path_inode(const struct path *p); /* NULL for pipes, sockets, … */
/* Copies a path in: 0 and memory for kfree, or -EFAULT, -ENAMETOOLONG, -ENOMEM. */
int path_from_user(u64 addr, char **out);

/* inode.c ------------------------------------------------------------------- */

#define MAY_EXEC 1u
#define MAY_WRITE 2u
#define MAY_READ 4u

/* 0, -EACCES, or -EROFS for writing on a read-only file system. */
int inode_permission(const struct inode *i, u32 may);
void inode_stat(const struct inode *i, struct stat *st);
void time_now(s64 ts[2]);
void inode_touch(struct inode *i); /* mtime and ctime */
void inode_changed(struct inode *i); /* ctime */
void inode_accessed(struct inode *i); /* atime, as relatime does */
/* 0, or -EPERM when the guest may not change what it does not own. */
int inode_owned(const struct inode *i);

/* file.c -------------------------------------------------------------------- */

extern const struct file_ops path_file_ops; /* O_PATH */
/* lseek over a size: SEEK_SET, SEEK_CUR, SEEK_END, and SEEK_DATA/HOLE of a file without holes. */
s64 file_lseek(struct file *f, s64 offset, int whence);
s64 file_lseek_size(struct file *f, s64 offset, int whence, u64 size);
/* For directories: the cursor of readdir. */
s64 file_lseek_cursor(struct file *f, s64 offset, int whence);
ssize_t file_no_read_dir(struct file *f, struct uio *u, u64 *pos); /* EISDIR */
/* read op over bytes in kernel memory. */
ssize_t file_read_memory(struct uio *u, u64 *pos, const void *data, u64 size);
/* mmap op that fills private memory by reading the file; -ENODEV for shared. */
long file_mmap_copy(struct file *f, struct vma *v);

/* open.c -------------------------------------------------------------------- */

int path_open_at(struct path *p, u32 flags, struct file **out);
/* Directory entry for a new name: the walk stands at the parent, *out is counted and negative. */
int create_begin(struct walk *w, int dirfd, const char *path, bool directory, struct dentry **out);
/* Makes a file other than a symlink; mode with its type, umask not yet applied. out may be NULL. */
int create_node(int dirfd, const char *path, u32 mode, u64 rdev, struct inode **out);

/* fdtable.c ----------------------------------------------------------------- */

extern u32 fd_umask;
struct file *fd_get_rw(int fd); /* as fd_get, but NULL for O_PATH */
void fd_set_cloexec(int fd, bool on);

/* mount.c ------------------------------------------------------------------- */

void mount_root(struct superblock *sb); /* the first mount; panics if sb is NULL */
extern struct dentry *fs_cwd;
void fs_set_cwd(struct dentry *d); /* takes a reference of its own */
struct superblock *superblock_new(const char *type, u32 magic, bool read_only);
struct mount {
	struct list_node node;
	struct dentry *dentry;
	struct superblock *sb;
	int id;
};
extern struct list_node mounts;
/* Emits names that lie over a directory; *pos counts from 0. False: no room. */
bool overlay_readdir(struct dentry *dir, u64 base, u64 *pos, struct dir_emit *emit);

/* hostfs.c */
#define HOSTFS_MAGIC 0x7f4a1c33u

/* lock.c -------------------------------------------------------------------- */

void locks_file_released(struct file *f);  /* flock and OFD locks end with the description */
void locks_descriptor_closed(struct file *f); /* POSIX locks end with any close */
long lock_fcntl(struct file *f, u32 cmd, u64 arg);
long lock_flock(struct file *f, u32 op);

/* Opens special files of any file system: what special_register was told of. */
int special_open(struct inode *i, struct file *f);

#endif
