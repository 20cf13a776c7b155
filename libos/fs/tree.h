/* The file systems, and the tree that a UC boots with. */
#ifndef LIBOS_FS_TREE_H
#define LIBOS_FS_TREE_H

#include "include/file.h"

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
/* fs/tmpfs/: files of memfd_create(2), and their seals. */
int tmpfs_memfd(bool sealable, u32 mode, struct inode **out);
long tmpfs_seals_get(struct file *f); /* F_GET_SEALS; -EINVAL: no memfd or tmpfs file */
long tmpfs_seals_add(struct file *f, u32 seals);
/* fs/tree.c: builds the tree of a booted UC: root (image 0 or host), /tmp, /dev, /proc; and fds 0, 1, 2. */
void fs_init(bool host_root);

#endif
