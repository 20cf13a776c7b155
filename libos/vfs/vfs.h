/* Open files, descriptors, names and mounts: what all rooms above the core call of vfs/. */
#ifndef LIBOS_VFS_VFS_H
#define LIBOS_VFS_VFS_H

#include "include/file.h"
#include "include/upcalls.h" /* fd_get, file_get, file_put: mm/ calls them too */

/* vfs/uio.c */
int uio_read(struct uio *u, void *dst, u64 bytes);        /* from u to dst: 0 or -EFAULT */
int uio_write(struct uio *u, const void *src, u64 bytes); /* from src to u */
int uio_zero(struct uio *u, u64 bytes);

/* vfs/file.c. file_new: refs 1; NULL when memory is short. */
struct file *file_new(const struct file_ops *ops, u32 flags, void *priv);
int file_stat(struct file *f, struct stat *st); /* fstat(2) in kernel memory: 0 or -errno */

/* vfs/fdtable.c: one table, the UC is one process. */
/* takes the reference; lowest free fd or -EMFILE (then f is put) */
int fd_install(struct file *f, u32 min_fd, bool cloexec);
struct file *fd_peek(int fd); /* uncounted: only while nothing blocks */
int fd_close(int fd);
int fd_replace(int fd, struct file *f, bool cloexec); /* dup2: closes what was there */
int fd_limit(void);
int fd_next(int fd, struct file **out); /* lowest open descriptor >= fd and its uncounted file, or -1 */
bool fd_cloexec(int fd);
u32 fs_umask(void);

/* vfs/inode.c */
struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, u64 ino, u32 mode);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);

/* vfs/mount.c */
/* makes the mount point reachable even in a read-only parent */
int mount_add(const char *path, struct superblock *sb);
int fs_chdir(const char *path); /* for the boot: the first working directory */

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
