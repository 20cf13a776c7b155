/* tmpfs: superblocks, inodes, nameless files. Sizes are bounded by half of the UC's memory. */
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "fs/tree.h"
#include "host/link.h"
#include "tmpfs.h"

#define DEFAULT_LIMIT (256ull << 20)
/* Names and inodes lie in the library OS's heap, which must not run out. */
#define INODES_MAX 65536u

static u64 charged_pages;
static u32 inode_count;
static struct superblock *memfd_sb;

static u64 limit_pages(void)
{
	u64 limit = uc_identity.memory_limit ? uc_identity.memory_limit / 2 : DEFAULT_LIMIT;

	return limit / PAGE_SIZE;
}

bool tmpfs_charge(u64 pages)
{
	u64 limit = limit_pages();

	if (charged_pages >= limit || pages > limit - charged_pages)
		return false;
	charged_pages += pages;
	return true;
}

void tmpfs_uncharge(u64 pages)
{
	charged_pages -= pages;
}

u64 tmpfs_free_pages(void)
{
	return limit_pages() - MIN(charged_pages, limit_pages());
}

static u64 tmpfs_usage(struct superblock *sb, u64 *limit)
{
	(void)sb;
	*limit = limit_pages() * PAGE_SIZE;
	return charged_pages * PAGE_SIZE;
}

int tmpfs_setattr(struct inode *i)
{
	(void)i;
	return 0;
}

static long other_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN(size, i->size);

	memcpy(buf, node_of(i)->target, n);
	return (long)n;
}

void tmpfs_node_free(struct inode *i)
{
	kfree(i->priv);
	inode_count--;
}

static void other_release(struct inode *i)
{
	kfree(node_of(i)->target);
	tmpfs_node_free(i);
}

const struct inode_ops tmpfs_other_inode_ops = {
	.readlink = other_readlink,
	.open = special_open,
	.setattr = tmpfs_setattr,
	.release = other_release,
};

static const struct inode_ops *ops_for(u32 mode)
{
	if (S_ISDIR(mode))
		return &tmpfs_dir_inode_ops;
	return S_ISREG(mode) ? &tmpfs_file_inode_ops : &tmpfs_other_inode_ops;
}

struct inode *tmpfs_inode(struct superblock *sb, u32 mode, u64 rdev)
{
	static u64 next_ino = 1;
	struct tmpfs_node *node = inode_count < INODES_MAX ? kzalloc(sizeof *node) : NULL;
	struct inode *i = node ? inode_new(sb, ops_for(mode), next_ino++, mode) : NULL;

	if (!i) {
		kfree(node);
		return NULL;
	}
	inode_count++;
	i->priv = node;
	i->rdev = rdev;
	i->uid = UC_UID;
	i->gid = UC_GID;
	node->seals = F_SEAL_SEAL;
	if (S_ISDIR(mode)) {
		tmpfs_dir_init(&node->dir);
		i->nlink = 2;
	}
	inode_touch(i);
	i->atime[0] = i->mtime[0];
	i->atime[1] = i->mtime[1];
	return i;
}

static int tmpfs_nameless(struct superblock *sb, u32 mode, struct inode **out)
{
	*out = tmpfs_inode(sb, S_IFREG | mode, 0);
	if (!*out)
		return -ENOSPC;
	(*out)->nlink = 0;
	return 0;
}

struct superblock *tmpfs_new(u32 root_mode)
{
	struct superblock *sb = superblock_new("tmpfs", TMPFS_MAGIC, false);

	if (!sb)
		return NULL;
	sb->check_modes = true;
	sb->usage = tmpfs_usage;
	sb->nameless = tmpfs_nameless;
	sb->root = tmpfs_inode(sb, S_IFDIR | root_mode, 0);
	if (!sb->root) {
		kfree(sb);
		return NULL;
	}
	sb->root->uid = 0;
	sb->root->gid = 0;
	return sb;
}

int tmpfs_memfd(bool sealable, u32 mode, struct inode **out)
{
	int err;

	if (!memfd_sb)
		memfd_sb = tmpfs_new(0);
	if (!memfd_sb)
		return -ENOMEM;
	err = tmpfs_nameless(memfd_sb, mode, out);
	if (!err && sealable)
		node_of(*out)->seals = 0;
	return err;
}
