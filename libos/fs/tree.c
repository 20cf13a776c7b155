/* The tree of a UC: the file systems that it begins with, and the images that the host adds. */
#include "abi/layout.h"
#include "abi/link.h"
#include "fs/dev/dev.h"
#include "host/host.h"
#include "include/upcalls.h"
#include "tree.h"
#include "vfs/fs.h"

static void mount_or_panic(const char *path, struct superblock *sb)
{
	int err = sb ? mount_add(path, sb) : -ENOMEM;

	if (err)
		panic("cannot mount %s: error %d", path, -err);
}

void fs_init(bool host_root)
{
	mount_root(host_root ? hostfs_open() : erofs_open(0, 0));
	mount_or_panic("/tmp", tmpfs_new(S_ISVTX | 0777));
	mount_or_panic("/proc", procfs_new());
	mount_or_panic("/sys", sysfs_new());
	mount_or_panic("/dev", devfs_new());
	mount_or_panic("/dev/shm", tmpfs_new(S_ISVTX | 0777));
	console_install();
}

/* Where the host serves the tree file by file there is no telling its names from an image's. */
static bool takes_mounts(void)
{
	return fs_root && fs_root->inode->sb->magic != HOSTFS_MAGIC;
}

void fs_handle_mount(const struct link_mount *m, const char *path, size_t len, int fd)
{
	char *copy = kmalloc(len + 1);
	struct superblock *sb = NULL;
	int err = -ENOMEM;

	if (copy) {
		memcpy(copy, path, len);
		copy[len] = 0;
		sb = takes_mounts() ? erofs_open(fd - UC_IMAGE_FD, m->image_bytes) : NULL;
		err = sb ? mount_add(copy, sb) : -EINVAL;
		if (err)
			trace("mount of %s refused: error %d\n", copy, -err);
		kfree(copy);
	}
	if (!sb)
		host_close(fd);
}
