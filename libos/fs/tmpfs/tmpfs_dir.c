/* Directories of tmpfs: entries in the order of their making, found by a hash of the name. */
#include <linux/fs.h>

#include "tmpfs.h"

#define FIRST_BUCKETS 8u
#define ENTRY_SIZE 20u /* what an entry adds to st_size, as Linux has it */
#define FIRST_COOKIE 2u /* 0 and 1 are "." and ".." */

void tmpfs_dir_init(struct tmpfs_dir *dir)
{
	list_init(&dir->entries);
	dir->next_cookie = FIRST_COOKIE;
}

static struct tmpfs_dir *dir_of(const struct inode *i)
{
	return &node_of(i)->dir;
}

static u32 hash_of(const char *name, size_t len)
{
	u32 h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 16777619u;
	return h;
}

static struct tmpfs_entry **slot_of(struct tmpfs_dir *dir, const char *name, size_t len)
{
	u32 hash = hash_of(name, len);
	struct tmpfs_entry **p;

	if (!dir->bucket_count)
		return NULL;
	for (p = &dir->buckets[hash & (dir->bucket_count - 1)]; *p; p = &(*p)->hash_next) {
		if ((*p)->hash == hash && (*p)->len == len && !memcmp((*p)->name, name, len))
			return p;
	}
	return NULL;
}

static struct tmpfs_entry *find(struct tmpfs_dir *dir, const char *name, size_t len)
{
	struct tmpfs_entry **slot = slot_of(dir, name, len);

	return slot ? *slot : NULL;
}

static int grow(struct tmpfs_dir *dir)
{
	u32 count = dir->bucket_count ? dir->bucket_count * 2 : FIRST_BUCKETS;
	struct tmpfs_entry **buckets = kzalloc(count * sizeof *buckets);

	if (!buckets)
		return -ENOSPC;
	list_for_each(n, &dir->entries) {
		struct tmpfs_entry *e = list_entry(n, struct tmpfs_entry, order);

		e->hash_next = buckets[e->hash & (count - 1)];
		buckets[e->hash & (count - 1)] = e;
	}
	kfree(dir->buckets);
	dir->buckets = buckets;
	dir->bucket_count = count;
	return 0;
}

/* Takes over the reference of inode when it succeeds. */
static int entry_add(struct inode *parent, const char *name, size_t len, struct inode *inode)
{
	struct tmpfs_dir *dir = dir_of(parent);
	struct tmpfs_entry *e;

	if (dir->count >= dir->bucket_count * 2 && grow(dir))
		return -ENOSPC;
	e = kmalloc(sizeof *e + len + 1);
	if (!e)
		return -ENOSPC;
	memcpy(e->name, name, len);
	e->name[len] = 0;
	e->len = (u32)len;
	e->hash = hash_of(name, len);
	e->inode = inode;
	e->cookie = dir->next_cookie++;
	e->hash_next = dir->buckets[e->hash & (dir->bucket_count - 1)];
	dir->buckets[e->hash & (dir->bucket_count - 1)] = e;
	list_add_tail(&e->order, &dir->entries);
	dir->count++;
	parent->size += ENTRY_SIZE;
	inode_touch(parent);
	return 0;
}

/* The entry goes; its inode reference becomes the caller's. */
static struct inode *entry_remove(struct inode *parent, struct tmpfs_entry *e)
{
	struct tmpfs_dir *dir = dir_of(parent);
	struct inode *inode = e->inode;

	*slot_of(dir, e->name, e->len) = e->hash_next;
	list_del(&e->order);
	kfree(e);
	dir->count--;
	parent->size -= ENTRY_SIZE;
	inode_touch(parent);
	return inode;
}

void tmpfs_dir_free(struct tmpfs_dir *dir)
{
	list_for_each_safe(n, next, &dir->entries) {
		struct tmpfs_entry *e = list_entry(n, struct tmpfs_entry, order);

		inode_put(e->inode);
		kfree(e);
	}
	kfree(dir->buckets);
}

static int dir_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
	struct tmpfs_entry *e = find(dir_of(dir), name, len);

	if (!e)
		return -ENOENT;
	*out = inode_get(e->inode);
	return 0;
}

/* Enters a new inode (whose reference is the caller's, or nobody's on failure). */
static int enter(struct inode *dir, const char *name, size_t len, struct inode *i, struct inode **out)
{
	int err;

	if (!i)
		return -ENOSPC;
	if (dir->mode & S_ISGID) {
		i->gid = dir->gid;
		i->mode |= S_ISDIR(i->mode) ? S_ISGID : 0;
	}
	err = entry_add(dir, name, len, i);
	if (err) {
		inode_put(i);
		return err;
	}
	if (S_ISDIR(i->mode))
		dir->nlink++;
	*out = inode_get(i);
	return 0;
}

static int dir_create(struct inode *dir, const char *name, size_t len, u32 mode, u64 rdev, struct inode **out)
{
	return enter(dir, name, len, tmpfs_inode(dir->sb, mode, rdev), out);
}

static int dir_symlink(struct inode *dir, const char *name, size_t len, const char *target,
		       struct inode **out)
{
	size_t bytes = strlen(target);
	struct inode *i = tmpfs_inode(dir->sb, S_IFLNK | 0777, 0);

	if (i) {
		node_of(i)->target = kmalloc(bytes);
		if (!node_of(i)->target) {
			inode_put(i);
			return -ENOSPC;
		}
		memcpy(node_of(i)->target, target, bytes);
		i->size = bytes;
	}
	return enter(dir, name, len, i, out);
}

static int dir_link(struct inode *dir, const char *name, size_t len, struct inode *target)
{
	int err = entry_add(dir, name, len, target);

	if (err)
		return err;
	inode_get(target);
	target->nlink++;
	inode_changed(target);
	return 0;
}

/* An inode lost the name that held a reference. */
static void lose_name(struct inode *parent, struct inode *i)
{
	if (S_ISDIR(i->mode)) {
		i->nlink = 0;
		parent->nlink--;
	} else {
		i->nlink--;
	}
	inode_changed(i);
	inode_put(i);
}

static int dir_unlink(struct inode *dir, const char *name, size_t len)
{
	struct tmpfs_entry *e = find(dir_of(dir), name, len);

	if (!e)
		return -ENOENT;
	if (S_ISDIR(e->inode->mode))
		return -EISDIR;
	lose_name(dir, entry_remove(dir, e));
	return 0;
}

static int dir_rmdir(struct inode *dir, const char *name, size_t len)
{
	struct tmpfs_entry *e = find(dir_of(dir), name, len);

	if (!e)
		return -ENOENT;
	if (!S_ISDIR(e->inode->mode))
		return -ENOTDIR;
	if (dir_of(e->inode)->count)
		return -ENOTEMPTY;
	lose_name(dir, entry_remove(dir, e));
	return 0;
}

static void swap_entries(struct inode *from, struct tmpfs_entry *a, struct inode *to, struct tmpfs_entry *b)
{
	struct inode *i = a->inode;

	a->inode = b->inode;
	b->inode = i;
	if (S_ISDIR(a->inode->mode) != S_ISDIR(b->inode->mode)) {
		from->nlink += S_ISDIR(a->inode->mode) ? 1u : -1u;
		to->nlink += S_ISDIR(b->inode->mode) ? 1u : -1u;
	}
	inode_changed(a->inode);
	inode_changed(b->inode);
	inode_touch(from);
	inode_touch(to);
}

static int may_replace(const struct inode *by, const struct inode *old)
{
	if (S_ISDIR(by->mode)) {
		if (!S_ISDIR(old->mode))
			return -ENOTDIR;
		return dir_of(old)->count ? -ENOTEMPTY : 0;
	}
	return S_ISDIR(old->mode) ? -EISDIR : 0;
}

static int dir_rename(struct inode *from, const char *name, size_t len, struct inode *to, const char *to_name,
		      size_t to_len, u32 flags)
{
	struct tmpfs_entry *src = find(dir_of(from), name, len);
	struct tmpfs_entry *dst = find(dir_of(to), to_name, to_len);
	struct inode *moved;
	int err;

	if (!src || (!dst && (flags & RENAME_EXCHANGE)))
		return -ENOENT;
	if (dst && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	moved = src->inode;
	if (dst && dst->inode == moved)
		return 0;
	if (dst && (flags & RENAME_EXCHANGE)) {
		swap_entries(from, src, to, dst);
		return 0;
	}
	if (dst) {
		struct inode *old = dst->inode;

		err = may_replace(moved, old);
		if (err)
			return err;
		dst->inode = inode_get(moved);
		lose_name(to, old);
		inode_touch(to);
	} else {
		err = entry_add(to, to_name, to_len, moved);
		if (err)
			return err;
		inode_get(moved);
		/* The table may have grown, but entries stay where they are. */
	}
	entry_remove(from, src);
	if (S_ISDIR(moved->mode)) {
		from->nlink--;
		to->nlink++;
	}
	inode_changed(moved);
	inode_put(moved);
	return 0;
}

static int dir_readdir(struct file *f, u64 *pos, struct dir_emit *emit)
{
	struct tmpfs_dir *dir = dir_of(f->inode);

	list_for_each(n, &dir->entries) {
		struct tmpfs_entry *e = list_entry(n, struct tmpfs_entry, order);

		if (e->cookie < *pos)
			continue;
		if (!emit->add(emit, e->name, e->len, e->inode->ino, DT_OF_MODE(e->inode->mode),
			       e->cookie + 1))
			break;
		*pos = e->cookie + 1;
	}
	inode_accessed(f->inode);
	return 0;
}

static int dir_fsync(struct file *f)
{
	(void)f;
	return 0;
}

static const struct file_ops dir_file_ops = {
	.read = file_no_read_dir,
	.lseek = file_lseek_cursor,
	.readdir = dir_readdir,
	.fsync = dir_fsync,
};

static int dir_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &dir_file_ops;
	return 0;
}

static void dir_release(struct inode *i)
{
	tmpfs_dir_free(dir_of(i));
	tmpfs_node_free(i);
}

const struct inode_ops tmpfs_dir_inode_ops = {
	.lookup = dir_lookup,
	.create = dir_create,
	.symlink = dir_symlink,
	.link = dir_link,
	.unlink = dir_unlink,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
	.open = dir_open,
	.setattr = tmpfs_setattr,
	.release = dir_release,
};
