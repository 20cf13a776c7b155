/* The name cache: one hash of dentries by parent and name. Unused ones stay until there are too many. */
#include "fs.h"

#define FIRST_BUCKETS 256u
#define CACHED_MAX 8192u
#define EVICT_BUCKETS 64u

struct dentry *fs_root;
static struct dentry **buckets;
static u32 bucket_count;
static u32 hashed_count;
static u32 evict_hand;

static u32 name_hash(const struct dentry *parent, const char *name, size_t len)
{
	u32 h = 2166136261u ^ (u32)((u64)parent >> 5);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct dentry **bucket_of(u32 hash)
{
	return &buckets[hash & (bucket_count - 1)];
}

static bool buckets_grow(void)
{
	u32 count = bucket_count ? bucket_count * 2 : FIRST_BUCKETS;
	struct dentry **bigger = kzalloc(count * sizeof *bigger);

	if (!bigger)
		return bucket_count != 0;
	for (u32 i = 0; i < bucket_count; i++) {
		struct dentry *d = buckets[i];

		while (d) {
			struct dentry *next = d->hash_next;

			d->hash_next = bigger[d->hash & (count - 1)];
			bigger[d->hash & (count - 1)] = d;
			d = next;
		}
	}
	kfree(buckets);
	buckets = bigger;
	bucket_count = count;
	return true;
}

static void dentry_unhash(struct dentry *d)
{
	if (!d->hashed)
		return;
	for (struct dentry **p = bucket_of(d->hash); *p; p = &(*p)->hash_next) {
		if (*p == d) {
			*p = d->hash_next;
			break;
		}
	}
	d->hashed = false;
	hashed_count--;
	list_del(&d->sibling);
}

/* Frees d, and those above it that only d kept: a removed tree may be deep, the stack is not. */
static void dentry_free(struct dentry *d)
{
	do {
		struct dentry *parent = d->parent;

		inode_put(d->inode);
		if (d->name != d->short_name)
			kfree(d->name);
		kfree(d);
		d = parent != d ? parent : NULL;
	} while (d && !--d->refs && !d->hashed);
}

/* Drops unused dentries from the next few buckets. */
static void evict(void)
{
	for (u32 n = 0; n < EVICT_BUCKETS; n++) {
		struct dentry *d = buckets[evict_hand++ & (bucket_count - 1)];

		while (d) {
			struct dentry *next = d->hash_next;

			if (!d->refs) {
				dentry_unhash(d);
				dentry_free(d);
			}
			d = next;
		}
	}
}

static int set_name(struct dentry *d, const char *name, size_t len)
{
	char *to = d->short_name;

	if (len >= sizeof d->short_name) {
		to = kmalloc(len + 1);
		if (!to)
			return -ENOMEM;
	}
	memcpy(to, name, len);
	to[len] = 0;
	d->name = to;
	d->len = (u32)len;
	return 0;
}

struct dentry *dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode)
{
	struct dentry *d = kzalloc(sizeof *d);

	if (d && set_name(d, name, len)) {
		kfree(d);
		d = NULL;
	}
	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->parent = parent ? dentry_get(parent) : d;
	d->inode = inode;
	d->refs = 1;
	list_init(&d->children);
	list_init(&d->sibling);
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	d->refs++;
	return d;
}

void dentry_put(struct dentry *d)
{
	if (d && !--d->refs && !d->hashed)
		dentry_free(d);
}

void dentry_hash(struct dentry *d)
{
	if (hashed_count >= CACHED_MAX)
		evict();
	if (hashed_count >= bucket_count * 2 && !buckets_grow())
		return;
	d->hash = name_hash(d->parent, d->name, d->len);
	d->hash_next = *bucket_of(d->hash);
	*bucket_of(d->hash) = d;
	d->hashed = true;
	hashed_count++;
	list_add_tail(&d->sibling, &d->parent->children);
}

static struct dentry *cached(struct dentry *dir, const char *name, size_t len)
{
	u32 hash = name_hash(dir, name, len);

	if (!bucket_count)
		return NULL;
	for (struct dentry *d = *bucket_of(hash); d; d = d->hash_next) {
		if (d->hash == hash && d->parent == dir && d->len == len && !memcmp(d->name, name, len))
			return d;
	}
	return NULL;
}

int dentry_lookup(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
	struct superblock *sb = dir->inode->sb;
	struct inode *inode = NULL;
	struct dentry *d = cached(dir, name, len);
	int err;

	if (d) {
		*out = dentry_get(d);
		return 0;
	}
	if (!dir->inode->ops->lookup)
		return -ENOTDIR;
	err = dir->inode->ops->lookup(dir->inode, name, len, &inode);
	if (err && err != -ENOENT)
		return err;
	/* The lookup may have waited for the host, and another thread asked for the same name. */
	d = cached(dir, name, len);
	if (d) {
		inode_put(inode);
		*out = dentry_get(d);
		return 0;
	}
	d = dentry_new(dir, name, len, inode);
	if (!d)
		return -ENOMEM;
	if (!dir->deleted && !sb->no_dcache && (inode || sb->read_only))
		dentry_hash(d);
	*out = d;
	return 0;
}

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
	d->inode = inode;
	if (!d->hashed && !inode->sb->no_dcache)
		dentry_hash(d);
}

void dentry_delete(struct dentry *d)
{
	dentry_unhash(d);
	d->deleted = true;
}

static void swap_places(struct dentry *a, struct dentry *b)
{
	struct dentry *parent = a->parent;
	char *a_name = a->name == a->short_name ? NULL : a->name;
	char *b_name = b->name == b->short_name ? NULL : b->name;
	char short_name[sizeof a->short_name];
	u32 len = a->len;

	a->parent = b->parent;
	b->parent = parent;
	memcpy(short_name, a->short_name, sizeof short_name);
	memcpy(a->short_name, b->short_name, sizeof short_name);
	memcpy(b->short_name, short_name, sizeof short_name);
	a->name = b_name ? b_name : a->short_name;
	b->name = a_name ? a_name : b->short_name;
	a->len = b->len;
	b->len = len;
}

void dentry_move(struct dentry *d, struct dentry *target, bool exchange)
{
	dentry_unhash(d);
	dentry_unhash(target);
	swap_places(d, target);
	dentry_hash(d);
	if (exchange)
		dentry_hash(target);
	else if (target->inode)
		target->deleted = true;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor)
{
	while (d != ancestor) {
		if (d->parent == d)
			return false;
		d = d->parent;
	}
	return true;
}

long dentry_path(const struct dentry *d, char *buf, size_t size)
{
	size_t at = size;
	long len;

	if (!size)
		return -ENAMETOOLONG;
	buf[--at] = 0;
	if (d->parent == d) {
		if (!at)
			return -ENAMETOOLONG;
		buf[--at] = '/';
	}
	for (; d->parent != d; d = d->parent) {
		if (at < d->len + 1u)
			return -ENAMETOOLONG;
		at -= d->len;
		memcpy(buf + at, d->name, d->len);
		buf[--at] = '/';
	}
	len = (long)(size - at - 1);
	memmove(buf, buf + at, (size_t)len + 1);
	return len;
}
