/*
 * Open files, inodes, dentries and file systems. Linux's split: an inode is the object, a
 * dentry its name in the tree, a file an open description, a descriptor a slot in the table.
 */
#ifndef LIBOS_FILE_H
#define LIBOS_FILE_H

#include "thread.h"
#include "types.h"

struct iovec;
struct stat;
struct vma;
struct file;
struct inode;
struct dentry;
struct dir_emit;

/* Scattered guest (or kernel) memory, consumed as it is copied. */
struct uio {
	const struct iovec *iov; /* kernel copy of the vector; its bases are guest addresses */
	int count;
	u64 skip; /* bytes used of the first element */
	u64 left; /* bytes in all */
	bool kernel; /* bases are library OS addresses: no fault handling */
};
int uio_read(struct uio *u, void *dst, u64 bytes);        /* from u to dst: 0 or -EFAULT */
int uio_write(struct uio *u, const void *src, u64 bytes); /* from src to u */
int uio_zero(struct uio *u, u64 bytes);

/* poll: the callee calls poll_wait for each queue that can change the answer, then returns POLL… bits. */
struct poll_ctx {
	void (*add)(struct poll_ctx *ctx, struct waitq *q);
};
static inline void poll_wait(struct poll_ctx *ctx, struct waitq *q)
{
	if (ctx)
		ctx->add(ctx, q);
}

/*
 * read and write return bytes or -errno; 0 from read is end of file. Blocking is theirs to do (O_NONBLOCK in
 * file->flags).
 */
struct file_ops {
	ssize_t (*read)(struct file *f, struct uio *u, u64 *pos);
	ssize_t (*write)(struct file *f, struct uio *u, u64 *pos);
	s64 (*lseek)(struct file *f, s64 offset, int whence); /* NULL: ESPIPE */
	u32 (*poll)(struct file *f, struct poll_ctx *ctx);    /* NULL: always readable and writable */
	long (*ioctl)(struct file *f, u32 cmd, u64 arg);      /* NULL: ENOTTY */
	/* Emits entries with emit until it returns false; *pos is the cursor. */
	int (*readdir)(struct file *f, u64 *pos, struct dir_emit *emit);
	/*
	 * Puts the file's bytes at vma->start..end, which never goes beyond the page of a regular file's last
	 * byte when called: maps host memory there and returns the address where they are; NULL: ENODEV. Ops
	 * that cannot share pages copy for MAP_PRIVATE and answer -ENODEV for MAP_SHARED.
	 */
	long (*mmap)(struct file *f, struct vma *v);
	int (*fsync)(struct file *f);
	long (*fcntl)(struct file *f, u32 cmd, u64 arg); /* F_GETPIPE_SZ, F_SETPIPE_SZ; NULL: EBADF */
	int (*stat)(struct file *f, struct stat *st); /* NULL: from the inode */
	void (*release)(struct file *f); /* last reference gone */
};

/* add: next_pos is the cursor behind this entry; false: no room, the entry was not taken and *pos stays. */
struct dir_emit {
	bool (*add)(struct dir_emit *e, const char *name, size_t len, u64 ino, u32 type, u64 next_pos);
};

struct file {
	const struct file_ops *ops;
	u32 refs;
	u32 flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECT, O_PATH … */
	u64 pos;
	struct dentry *dentry; /* NULL for pipes, sockets, epoll, … */
	struct inode *inode;   /* NULL likewise, unless the object makes one */
	void *priv;
	struct list_node epoll_items; /* event/epoll.c: items that watch this file */
	int owner_pid;                /* F_SETOWN */
	int owner_signal;             /* F_SETSIG */
};

static inline bool file_readable(const struct file *f)
{
	return (f->flags & 3) == 0 || (f->flags & 3) == 2;
}

static inline bool file_writable(const struct file *f)
{
	return (f->flags & 3) == 1 || (f->flags & 3) == 2;
}

/* vfs/file.c. file_new: refs 1; NULL when memory is short. */
struct file *file_new(const struct file_ops *ops, u32 flags, void *priv);
struct file *file_get(struct file *f);
void file_put(struct file *f);
int file_stat(struct file *f, struct stat *st); /* fstat(2) in kernel memory: 0 or -errno */

/* vfs/fdtable.c: one table, the UC is one process. */
/* takes the reference; lowest free fd or -EMFILE (then f is put) */
int fd_install(struct file *f, u32 min_fd, bool cloexec);
struct file *fd_get(int fd); /* counted reference or NULL (EBADF) */
struct file *fd_peek(int fd); /* uncounted: only while nothing blocks */
int fd_close(int fd);
int fd_replace(int fd, struct file *f, bool cloexec); /* dup2: closes what was there */
int fd_limit(void);
int fd_next(int fd, struct file **out); /* lowest open descriptor >= fd and its uncounted file, or -1 */
bool fd_cloexec(int fd);
u32 fs_umask(void);

struct inode_ops {
	/* 0 and a counted inode, or -ENOENT. */
	int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **out);
	/* S_IFREG, DIR, FIFO, SOCK, CHR */
	int (*create)(struct inode *dir, const char *name, size_t len, u32 mode, u64 rdev,
		      struct inode **out);
	int (*symlink)(struct inode *dir, const char *name, size_t len, const char *target,
		       struct inode **out);
	int (*link)(struct inode *dir, const char *name, size_t len, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, size_t len); /* not directories */
	int (*rmdir)(struct inode *dir, const char *name, size_t len);
	int (*rename)(struct inode *from, const char *name, size_t len, struct inode *to, const char *to_name,
		      size_t to_len, u32 flags);
	long (*readlink)(struct inode *i, char *buf, size_t size); /* length, not NUL-ended */
	int (*open)(struct inode *i, struct file *f); /* sets f->ops and f->priv */
	int (*truncate)(struct inode *i, u64 size);
	int (*setattr)(struct inode *i); /* mode, owner or times were changed in *i; NULL: EROFS */
	int (*fallocate)(struct inode *i, u32 mode, u64 offset, u64 bytes); /* NULL: EOPNOTSUPP */
	u64 (*blocks)(const struct inode *i); /* 512-byte units held; NULL: as the size has it */
	/* A link of /proc/self/fd: the counted file it stands for. */
	int (*get_link)(struct inode *i, struct file **out);
	void (*release)(struct inode *i); /* last reference gone */
};

struct superblock {
	const char *type; /* "erofs", "tmpfs", "proc", … */
	u32 magic;        /* f_type of statfs */
	u32 dev;
	bool read_only;
	bool no_dcache; /* names come and go by themselves: look them up each time */
	/* permission bits hold for the guest; else all may be read, and written unless read_only */
	bool check_modes;
	struct inode *root;
	/* O_TMPFILE: a regular file of mode with nlink 0; NULL: EOPNOTSUPP. */
	int (*nameless)(struct superblock *sb, u32 mode, struct inode **out);
	/* bytes used and at most, for statfs(2); NULL: full */
	u64 (*usage)(struct superblock *sb, u64 *limit);
	void *priv;
};

struct inode {
	const struct inode_ops *ops;
	struct superblock *sb;
	u64 ino;
	u32 mode, nlink, uid, gid;
	u64 rdev, size;
	s64 atime[2], mtime[2], ctime[2]; /* seconds, nanoseconds */
	u32 refs;
	void *priv;
	struct list_node locks; /* vfs/lock.c */
};
struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, u64 ino, u32 mode);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);

/* vfs/mount.c */
/* makes the mount point reachable even in a read-only parent */
int mount_add(const char *path, struct superblock *sb);
int fs_chdir(const char *path); /* for the boot: the first working directory */

/* fs/: the file systems. */
struct superblock *tmpfs_new(u32 root_mode);
/*
 * Maps window and reads the image behind its descriptor; image_bytes 0: as many as it says itself. NULL: no
 * such or a bad image.
 */
struct superblock *erofs_open(int image_window, u64 image_bytes);
struct superblock *hostfs_open(void);
struct superblock *devfs_new(void);
struct superblock *procfs_new(void);
struct superblock *sysfs_new(void);
/* fs/tree.c: builds the tree of a booted UC: root (image 0 or host), /tmp, /dev, /proc; and fds 0, 1, 2. */
void fs_init(bool host_root);

/* vfs/namei.c: path resolution. flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
int path_open(int dirfd, const char *path, u32 flags, u32 mode, struct file **out);
/* file for the ELF loader: struct file * or -errno cast to long */
long sys_open_kernel(const char *path, u32 flags);
/*
 * vfs/open.c: the special files of a type, as S_IFIFO, are opened by open, which sets f->ops and f->priv;
 * others: ENXIO.
 */
void special_register(u32 type, int (*open)(struct inode *i, struct file *f));
/* Where AF_UNIX sockets live in the tree (net/unix/). create fails with -EADDRINUSE when the name exists. */
int path_create_socket(const char *path, u32 mode, struct inode **out);
int path_find_inode(const char *path, struct inode **out);

/* For kernel callers (ELF loader): bytes read or -errno. */
ssize_t file_pread(struct file *f, void *buf, u64 bytes, u64 pos);

#endif
