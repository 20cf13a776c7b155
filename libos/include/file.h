/*
 * Open files, inodes, dentries and file systems. Linux's split: an inode is the object, a
 * dentry its name in the tree, a file an open description, a descriptor a slot in the table.
 *
 * What they are, for the rooms of the core too: a mapping has a file. What can be done with them is in
 * vfs/vfs.h.
 */
#ifndef LIBOS_FILE_H
#define LIBOS_FILE_H

#include "types.h"

struct iovec;
struct stat;
struct vma;
struct file;
struct inode;
struct dentry;
struct dir_emit;
struct waitq;

/* Scattered guest (or kernel) memory, consumed as it is copied. */
struct uio {
	const struct iovec *iov; /* kernel copy of the vector; its bases are guest addresses */
	int count;
	u64 skip; /* bytes used of the first element */
	u64 left; /* bytes in all */
	bool kernel; /* bases are library OS addresses: no fault handling */
};

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

#endif
