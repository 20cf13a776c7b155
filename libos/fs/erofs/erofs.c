/* EROFS over an image window: shares the host's page cache with every other UC. */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mman.h>

#include "abi/layout.h"
#include "erofs_format.h"
#include "fs/tree.h"
#include "host/host.h"
#include "vfs/fs.h"

#define FIRST_ENTRY_POS 2u /* cursors 0 and 1 are "." and ".." */

struct erofs {
	struct erofs_image image;
	int fd;
};

static bool window_used[UC_IMAGE_MAX];
static const struct inode_ops erofs_dir_ops, erofs_file_ops, erofs_link_ops, erofs_special_ops;

static struct erofs *erofs_of(const struct inode *i)
{
	return i->sb->priv;
}

static const struct erofs_inode *disk_of(const struct inode *i)
{
	return i->priv;
}

static const struct inode_ops *ops_for(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &erofs_dir_ops;
	case S_IFREG:
		return &erofs_file_ops;
	case S_IFLNK:
		return &erofs_link_ops;
	default:
		return &erofs_special_ops;
	}
}

static int erofs_inode_get(struct superblock *sb, u64 nid, struct inode **out)
{
	struct erofs *fs = sb->priv;
	struct erofs_inode *disk = kmalloc(sizeof *disk);
	struct inode *i;
	int err;

	if (!disk)
		return -ENOMEM;
	err = erofs_read_inode(&fs->image, nid, disk);
	i = err ? NULL : inode_new(sb, ops_for(disk->mode), disk->nid, disk->mode);
	if (!i) {
		kfree(disk);
		return err ? err : -ENOMEM;
	}
	i->priv = disk;
	i->nlink = disk->nlink;
	i->uid = disk->uid;
	i->gid = disk->gid;
	i->size = disk->size;
	i->rdev = disk->rdev;
	i->mtime[0] = i->ctime[0] = i->atime[0] = disk->mtime;
	i->mtime[1] = i->ctime[1] = i->atime[1] = disk->mtime_ns;
	*out = i;
	return 0;
}

static void erofs_release(struct inode *i)
{
	kfree(i->priv);
}

static int erofs_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
	u64 nid;
	int err = erofs_find(&erofs_of(dir)->image, disk_of(dir), name, len, &nid);

	return err ? err : erofs_inode_get(dir->sb, nid, out);
}

static bool is_dots(const struct erofs_name *n)
{
	return n->name[0] == '.' && (n->len == 1 || (n->len == 2 && n->name[1] == '.'));
}

static int erofs_readdir(struct file *f, u64 *pos, struct dir_emit *emit)
{
	const struct erofs *fs = erofs_of(f->inode);
	u64 cursor = *pos - FIRST_ENTRY_POS;
	struct erofs_name n;
	int ret;

	while ((ret = erofs_next(&fs->image, disk_of(f->inode), &cursor, &n)) > 0) {
		if (!is_dots(&n) &&
		    !emit->add(emit, n.name, n.len, n.nid, erofs_dt(n.type), cursor + FIRST_ENTRY_POS))
			return 0;
		*pos = cursor + FIRST_ENTRY_POS;
	}
	return ret;
}

static ssize_t erofs_read(struct file *f, struct uio *u, u64 *pos)
{
	const struct erofs *fs = erofs_of(f->inode);
	u64 done = 0, bytes;
	const u8 *data;

	while (u->left && (data = erofs_data(&fs->image, disk_of(f->inode), *pos, &bytes))) {
		u64 n = MIN(u->left, bytes);

		if (uio_write(u, data, n))
			return done ? (ssize_t)done : -EFAULT;
		*pos += n;
		done += n;
	}
	return (ssize_t)done;
}

/* Pages of the image itself: shared with all who map them, private once written. */
static long erofs_mmap(struct file *f, struct vma *v)
{
	const struct erofs_inode *disk = disk_of(f->inode);
	long ret;

	if ((v->flags & MAP_TYPE) != MAP_PRIVATE && (v->prot & PROT_WRITE))
		return -EACCES;
	if (disk->body_bytes != disk->size)
		return file_mmap_copy(f, v);
	/* The image ends with a whole block, so the file's last page is there. */
	ret = host_mmap(v->start, v->end - v->start, (int)v->prot, 0, erofs_of(f->inode)->fd,
			disk->data + v->offset);
	return ret < 0 ? ret : (long)v->start;
}

static long erofs_readlink(struct inode *i, char *buf, size_t size)
{
	u64 bytes, n = MIN(size, i->size);
	const u8 *data = erofs_data(&erofs_of(i)->image, disk_of(i), 0, &bytes);

	/* A target in two places cannot be: it is shorter than a block. */
	if (!data || bytes < n || memchr(data, 0, n))
		return -EIO;
	memcpy(buf, data, n);
	return (long)n;
}

static const struct file_ops erofs_file_file_ops = {
	.read = erofs_read,
	.lseek = file_lseek,
	.mmap = erofs_mmap,
};

static const struct file_ops erofs_dir_file_ops = {
	.read = file_no_read_dir,
	.lseek = file_lseek_cursor,
	.readdir = erofs_readdir,
};

static int erofs_file_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &erofs_file_file_ops;
	return 0;
}

static int erofs_dir_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &erofs_dir_file_ops;
	return 0;
}

static const struct inode_ops erofs_dir_ops = {
	.lookup = erofs_lookup,
	.open = erofs_dir_open,
	.release = erofs_release,
};
static const struct inode_ops erofs_file_ops = { .open = erofs_file_open, .release = erofs_release };
static const struct inode_ops erofs_link_ops = { .readlink = erofs_readlink, .release = erofs_release };
static const struct inode_ops erofs_special_ops = { .open = special_open, .release = erofs_release };

/* Bytes of the image by its own account, if the host's file holds them; 0 if not. */
static u64 image_bytes_of(int fd)
{
	struct erofs_super s;
	u64 bytes;
	u8 last;

	if (host_pread(fd, &s, sizeof s, EROFS_SUPER_OFFSET) != (long)sizeof s)
		return 0;
	bytes = (u64)s.blocks * EROFS_BLOCK;
	return bytes && host_pread(fd, &last, 1, bytes - 1) == 1 ? bytes : 0;
}

static u64 erofs_usage(struct superblock *sb, u64 *limit)
{
	struct erofs *fs = sb->priv;

	*limit = fs->image.bytes;
	return fs->image.bytes;
}

static struct superblock *open_image(int window, u64 bytes)
{
	struct superblock *sb = superblock_new("erofs", EROFS_SUPER_MAGIC_V1, true);
	struct erofs *fs = sb ? kzalloc(sizeof *fs) : NULL;
	u64 addr = UC_IMAGE_BASE + (u64)window * UC_IMAGE_SPAN;

	if (!fs) {
		kfree(sb);
		return NULL;
	}
	fs->fd = UC_IMAGE_FD + window;
	fs->image.base = (const u8 *)addr;
	fs->image.bytes = bytes;
	sb->priv = fs;
	sb->usage = erofs_usage;
	if (host_mmap(addr, PAGE_UP(bytes), PROT_READ, MAP_NORESERVE, fs->fd, 0) >= 0) {
		if (!erofs_read_super(&fs->image) && !erofs_inode_get(sb, fs->image.root_nid, &sb->root) &&
		    S_ISDIR(sb->root->mode))
			return sb;
		host_munmap(addr, PAGE_UP(bytes));
	}
	inode_put(sb->root);
	kfree(fs);
	kfree(sb);
	return NULL;
}

struct superblock *erofs_open(int window, u64 image_bytes)
{
	struct superblock *sb;

	if (window < 0 || window >= UC_IMAGE_MAX || window_used[window])
		return NULL;
	if (!image_bytes)
		image_bytes = image_bytes_of(UC_IMAGE_FD + window);
	if (!image_bytes || image_bytes > UC_IMAGE_SPAN)
		return NULL;
	sb = open_image(window, image_bytes);
	if (sb)
		window_used[window] = true;
	return sb;
}
