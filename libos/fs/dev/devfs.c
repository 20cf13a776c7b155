/* /dev: memory devices (null(4), full(4), random(4)), the table of all character devices, and the tree. */
#include <linux/mman.h>

#include "dev.h"
#include "fresh.h"
#include "fs/tree.h"
#include "host/host.h"
#include "process/random.h"
#include "vfs/fs.h"

#define MEM_MAJOR 1u
#define TTY_MAJOR 5u
#define RANDOM_PIECE 256u

static ssize_t null_read(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

static ssize_t swallow(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)pos;
	return (ssize_t)u->left;
}

static ssize_t zero_read(struct file *f, struct uio *u, u64 *pos)
{
	u64 bytes = u->left;

	(void)f;
	(void)pos;
	return uio_zero(u, bytes) ? -EFAULT : (ssize_t)bytes;
}

static ssize_t full_write(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)pos;
	return u->left ? -ENOSPC : 0;
}

static ssize_t random_read(struct file *f, struct uio *u, u64 *pos)
{
	u8 piece[RANDOM_PIECE];
	u64 done = 0;

	(void)f;
	(void)pos;
	draws_note();
	while (u->left) {
		u64 n = MIN(u->left, sizeof piece);

		random_bytes(piece, n);
		if (uio_write(u, piece, n))
			return done ? (ssize_t)done : -EFAULT;
		done += n;
	}
	return (ssize_t)done;
}

static s64 no_position(struct file *f, s64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}

static long zero_mmap(struct file *f, struct vma *v)
{
	long ret = host_mmap(v->start, v->end - v->start, (int)v->prot, MAP_NORESERVE, -1, 0);

	(void)f;
	return ret < 0 ? ret : (long)v->start;
}

static const struct file_ops null_ops = { .read = null_read, .write = swallow, .lseek = no_position };
static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = swallow,
	.lseek = no_position,
	.mmap = zero_mmap,
};
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .lseek = no_position };
static const struct file_ops random_ops = { .read = random_read, .write = swallow, .lseek = no_position };

static const struct device {
	u32 major, minor;
	const struct file_ops *ops;
} devices[] = {
	{ MEM_MAJOR, 3, &null_ops },
	{ MEM_MAJOR, 5, &zero_ops },
	{ MEM_MAJOR, 7, &full_ops },
	{ MEM_MAJOR, 8, &random_ops },
	{ MEM_MAJOR, 9, &random_ops },
	{ SEUSS_MAJOR, SEUSS_MINOR, &seuss_file_ops },
	{ SEUSS_MAJOR, FRESH_MINOR, &fresh_file_ops },
	{ SEUSS_MAJOR, DRAWS_MINOR, &draws_file_ops },
};

/* By i->rdev, or -ENXIO. */
static int chrdev_open(struct inode *i, struct file *f)
{
	for (u32 k = 0; k < ARRAY_SIZE(devices); k++) {
		if (i->rdev == make_dev(devices[k].major, devices[k].minor)) {
			f->ops = devices[k].ops;
			return 0;
		}
	}
	return -ENXIO;
}

struct node {
	const char *name;
	u32 major, minor;
};

static const struct node nodes[] = {
	{ "null", MEM_MAJOR, 3 },
	{ "zero", MEM_MAJOR, 5 },
	{ "full", MEM_MAJOR, 7 },
	{ "random", MEM_MAJOR, 8 },
	{ "urandom", MEM_MAJOR, 9 },
	{ "tty", TTY_MAJOR, 0 },
	{ "seuss", SEUSS_MAJOR, SEUSS_MINOR },
	{ "seuss-fresh", SEUSS_MAJOR, FRESH_MINOR },
	{ "seuss-draws", SEUSS_MAJOR, DRAWS_MINOR },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

static int fill(struct inode *root)
{
	struct inode *i;
	int err = 0;

	for (u32 k = 0; !err && k < ARRAY_SIZE(nodes); k++) {
		err = root->ops->create(root, nodes[k].name, strlen(nodes[k].name), S_IFCHR | 0666,
					make_dev(nodes[k].major, nodes[k].minor), &i);
		if (!err) {
			i->uid = i->gid = 0;
			inode_put(i);
		}
	}
	for (u32 k = 0; !err && k < ARRAY_SIZE(links); k++) {
		err = root->ops->symlink(root, links[k].name, strlen(links[k].name), links[k].target, &i);
		if (!err)
			inode_put(i);
	}
	return err;
}

struct superblock *devfs_new(void)
{
	struct superblock *sb = tmpfs_new(0755);

	if (!sb || fill(sb->root))
		return NULL;
	special_register(S_IFCHR, chrdev_open);
	sb->type = "devtmpfs";
	sb->read_only = true;
	return sb;
}
