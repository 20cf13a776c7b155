/* Reads a mapped EROFS image. No byte of it is trusted. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "erofs_format.h"
#include "lib/string.h"

static const void *at(const struct erofs_image *img, u64 offset, u64 bytes)
{
	return offset <= img->bytes && bytes <= img->bytes - offset ? img->base + offset : NULL;
}

int erofs_read_super(struct erofs_image *img)
{
	const struct erofs_super *s = at(img, EROFS_SUPER_OFFSET, sizeof *s);

	if (!s || s->magic != EROFS_MAGIC || s->block_bits != EROFS_BLOCK_BITS || s->dir_block_bits)
		return -EINVAL;
	if ((s->feature_incompat & ~EROFS_INCOMPAT_KNOWN) || s->extra_devices)
		return -EINVAL;
	if ((u64)s->blocks * EROFS_BLOCK > img->bytes)
		return -EINVAL;
	if (s->blocks)
		img->bytes = (u64)s->blocks * EROFS_BLOCK;
	img->meta = (u64)s->meta_block * EROFS_BLOCK;
	img->root_nid = s->root_nid;
	img->time = (s64)s->build_time;
	img->time_ns = s->build_time_ns;
	return 0;
}

static void from_compact(const struct erofs_image *img, const struct erofs_compact *c, struct erofs_inode *i)
{
	i->size = c->size;
	i->mode = c->mode;
	i->nlink = c->nlink;
	i->uid = c->uid;
	i->gid = c->gid;
	i->ino = c->ino;
	i->mtime = img->time;
	i->mtime_ns = img->time_ns;
}

static void from_extended(const struct erofs_extended *e, struct erofs_inode *i)
{
	i->size = e->size;
	i->mode = e->mode;
	i->nlink = e->nlink;
	i->uid = e->uid;
	i->gid = e->gid;
	i->ino = e->ino;
	i->mtime = (s64)e->mtime;
	i->mtime_ns = e->mtime_ns;
}

static bool has_data(u32 mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

/* Where the file's bytes are; end: offset behind inode and attributes, where an inline tail starts. */
static int place_data(const struct erofs_image *img, u32 layout, u32 block, u64 end, struct erofs_inode *i)
{
	u64 tail_bytes = 0;

	i->data = (u64)block * EROFS_BLOCK;
	i->body_bytes = i->size;
	i->tail = 0;
	if (layout == EROFS_LAYOUT_INLINE) {
		tail_bytes = i->size % EROFS_BLOCK;
		i->body_bytes = i->size - tail_bytes;
		i->tail = end;
	} else if (layout != EROFS_LAYOUT_PLAIN) {
		return -EIO;
	}
	if (i->body_bytes && !at(img, i->data, i->body_bytes))
		return -EIO;
	if (tail_bytes && !at(img, i->tail, tail_bytes))
		return -EIO;
	return 0;
}

int erofs_read_inode(const struct erofs_image *img, u64 nid, struct erofs_inode *i)
{
	const struct erofs_compact *c;
	const struct erofs_extended *e;
	u64 offset, bytes = sizeof *c;
	u32 block;

	if (nid > img->bytes / EROFS_SLOT)
		return -EIO;
	offset = img->meta + nid * EROFS_SLOT;
	c = at(img, offset, sizeof *c);
	if (!c)
		return -EIO;
	memset(i, 0, sizeof *i);
	i->nid = nid;
	if (c->format & EROFS_FORMAT_EXTENDED) {
		bytes = sizeof *e;
		e = at(img, offset, sizeof *e);
		if (!e)
			return -EIO;
		from_extended(e, i);
		block = e->block;
	} else {
		from_compact(img, c, i);
		block = c->block;
	}
	if (c->xattr_count)
		bytes += 12 + 4 * (u64)(c->xattr_count - 1);
	if (i->mtime_ns >= 1000000000u)
		i->mtime_ns = 0;
	if (!has_data(i->mode)) {
		i->rdev = block;
		i->size = 0;
		return 0;
	}
	return place_data(img, EROFS_LAYOUT(c->format), block, offset + bytes, i);
}

const u8 *erofs_data(const struct erofs_image *img, const struct erofs_inode *i, u64 pos, u64 *bytes)
{
	if (pos >= i->size)
		return NULL;
	if (pos < i->body_bytes) {
		*bytes = i->body_bytes - pos;
		return img->base + i->data + pos;
	}
	*bytes = i->size - pos;
	return img->base + i->tail + (pos - i->body_bytes);
}

/* A block of a directory. */
struct dir_block {
	const u8 *base;
	u64 bytes;
	u32 count; /* entries */
};

static int block_at(const struct erofs_image *img, const struct erofs_inode *dir, u64 index,
		    struct dir_block *b)
{
	const struct erofs_dirent *first;
	u64 pos = index * EROFS_BLOCK;

	b->base = erofs_data(img, dir, pos, &b->bytes);
	if (!b->base || b->bytes < sizeof *first)
		return -EIO;
	b->bytes = MIN(b->bytes, EROFS_BLOCK);
	first = (const void *)b->base;
	b->count = first->name_offset / (u32)sizeof *first;
	if (!b->count || b->count * sizeof *first > b->bytes)
		return -EIO;
	return 0;
}

static int name_at(const struct dir_block *b, u32 index, struct erofs_name *out)
{
	const struct erofs_dirent *d = (const struct erofs_dirent *)b->base + index;
	u64 start = d->name_offset, end = b->bytes;

	if (index + 1 < b->count)
		end = d[1].name_offset;
	if (start < b->count * sizeof *d || end > b->bytes || start >= end)
		return -EIO;
	out->nid = d->nid;
	out->type = d->type;
	out->name = (const char *)b->base + start;
	/* The last name of a block may be followed by zeroes. */
	out->len = (u32)strnlen(out->name, end - start);
	return out->len && out->len <= EROFS_NAME_MAX ? 0 : -EIO;
}

static int compare(const char *name, u64 len, const struct erofs_name *other)
{
	int order = memcmp(name, other->name, MIN(len, other->len));

	if (order)
		return order;
	return len < other->len ? -1 : len > other->len;
}

/* Index of the last block whose first name is not behind name. */
static int find_block(const struct erofs_image *img, const struct erofs_inode *dir, const char *name, u64 len,
		      struct dir_block *b)
{
	u64 low = 0, high = (dir->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
	struct erofs_name first;
	int err;

	while (high - low > 1) {
		u64 mid = low + (high - low) / 2;

		err = block_at(img, dir, mid, b);
		if (!err)
			err = name_at(b, 0, &first);
		if (err)
			return err;
		if (compare(name, len, &first) < 0)
			high = mid;
		else
			low = mid;
	}
	return block_at(img, dir, low, b);
}

int erofs_find(const struct erofs_image *img, const struct erofs_inode *dir, const char *name, u64 len,
	       u64 *nid)
{
	struct dir_block b;
	u32 low = 0, high;
	int err;

	if (!dir->size)
		return -ENOENT;
	err = find_block(img, dir, name, len, &b);
	if (err)
		return err;
	high = b.count;
	while (low < high) {
		u32 mid = (low + high) / 2;
		struct erofs_name n;
		int order;

		err = name_at(&b, mid, &n);
		if (err)
			return err;
		order = compare(name, len, &n);
		if (!order) {
			*nid = n.nid;
			return 0;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -ENOENT;
}

/* The cursor: block number times block size, plus the entry's index. */
int erofs_next(const struct erofs_image *img, const struct erofs_inode *dir, u64 *pos, struct erofs_name *out)
{
	while (*pos / EROFS_BLOCK * EROFS_BLOCK < dir->size) {
		u64 block = *pos / EROFS_BLOCK;
		struct dir_block b;
		int err = block_at(img, dir, block, &b);

		if (err)
			return err;
		if (*pos % EROFS_BLOCK < b.count) {
			err = name_at(&b, (u32)(*pos % EROFS_BLOCK), out);
			if (err)
				return err;
			(*pos)++;
			return 1;
		}
		*pos = (block + 1) * EROFS_BLOCK;
	}
	return 0;
}

u32 erofs_dt(u32 type)
{
	static const u8 dt[] = { 0, 8, 4, 2, 6, 1, 12, 10 };

	return type < sizeof dt ? dt[type] : 0;
}
