/* Regular files of tmpfs: read, write, map, truncate, fallocate, seals. */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mman.h>

#include "fs/tree.h"
#include "host/host.h"
#include "mm/vma.h"
#include "tmpfs.h"

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static ssize_t tmpfs_read(struct file *f, struct uio *u, u64 *pos)
{
	struct inode *i = f->inode;
	u64 done = 0;

	while (u->left && *pos < i->size) {
		u64 off = *pos % PAGE_SIZE, pages;
		u8 *mem = data_at(&node_of(i)->data, *pos / PAGE_SIZE, &pages);
		u64 n = MIN(MIN(u->left, i->size - *pos), pages * PAGE_SIZE - off);

		if (mem ? uio_write(u, mem + off, n) : uio_zero(u, n))
			return done ? (ssize_t)done : -EFAULT;
		*pos += n;
		done += n;
	}
	inode_accessed(i);
	return (ssize_t)done;
}

/*
 * Bytes of the last page that a shared mapping may have written become zero before they belong to the file.
 */
static void clear_tail(struct inode *i)
{
	if (i->size % PAGE_SIZE)
		data_discard(&node_of(i)->data, i->size, PAGE_UP(i->size));
}

/* How much of a write at pos the seals and the largest file size let through. */
static int write_limit(struct inode *i, u64 pos, u64 *bytes)
{
	u32 seals = node_of(i)->seals;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (pos >= FILE_BYTES_MAX)
		return -EFBIG;
	*bytes = MIN(*bytes, FILE_BYTES_MAX - pos);
	if ((seals & F_SEAL_GROW) && pos + *bytes > i->size) {
		if (pos >= i->size)
			return -EPERM;
		*bytes = i->size - pos;
	}
	return 0;
}

static ssize_t tmpfs_write(struct file *f, struct uio *u, u64 *pos)
{
	struct inode *i = f->inode;
	u64 done = 0, bytes = u->left;
	int err;

	if (f->flags & O_APPEND)
		*pos = i->size;
	err = bytes ? write_limit(i, *pos, &bytes) : 0;
	if (!err && *pos > i->size)
		clear_tail(i);
	while (!err && done < bytes) {
		u64 off = *pos % PAGE_SIZE, pages, n;
		u8 *mem;

		err = data_reserve(&node_of(i)->data, *pos / PAGE_SIZE,
				   PAGE_UP(off + bytes - done) / PAGE_SIZE, &mem, &pages);
		if (err)
			break;
		n = MIN(bytes - done, pages * PAGE_SIZE - off);
		err = uio_read(u, mem + off, n);
		if (err) {
			/* What was copied before the fault must not show up when the file grows. */
			if (*pos + n > i->size)
				data_discard(&node_of(i)->data, MAX(i->size, *pos), *pos + n);
			break;
		}
		*pos += n;
		done += n;
		i->size = MAX(i->size, *pos);
	}
	if (done)
		inode_touch(i);
	return done || !err ? (ssize_t)done : err;
}

static s64 tmpfs_lseek(struct file *f, s64 offset, int whence)
{
	u64 at = (u64)offset, pages;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_lseek(f, offset, whence);
	if (offset < 0 || at >= f->inode->size)
		return -ENXIO;
	while (at < f->inode->size) {
		bool data = data_at(&node_of(f->inode)->data, at / PAGE_SIZE, &pages) != NULL;

		if (data == (whence == SEEK_DATA))
			break;
		at = PAGE_DOWN(at) + pages * PAGE_SIZE;
	}
	if (at >= f->inode->size) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		at = f->inode->size;
	}
	f->pos = at;
	return (s64)at;
}

static long map_private(struct inode *i, struct vma *v)
{
	u64 bytes = v->end - v->start, done = 0, end;
	long err = host_mmap(v->start, bytes, PROT_READ | PROT_WRITE, 0, -1, 0);

	if (err < 0)
		return err;
	end = i->size > v->offset ? MIN(bytes, i->size - v->offset) : 0;
	while (done < end) {
		u64 pages, n;
		u8 *mem = data_at(&node_of(i)->data, (v->offset + done) / PAGE_SIZE, &pages);

		n = MIN(end - done, pages * PAGE_SIZE);
		if (mem)
			memcpy((u8 *)v->start + done, mem, n);
		done += n;
	}
	if (v->prot != (PROT_READ | PROT_WRITE)) {
		err = host_mprotect(v->start, bytes, (int)v->prot);
		if (err < 0)
			return err;
	}
	return (long)v->start;
}

static long tmpfs_mmap(struct file *f, struct vma *v)
{
	u64 bytes = v->end - v->start;
	u8 *mem;
	int err;

	if ((v->flags & MAP_TYPE) == MAP_PRIVATE)
		return map_private(f->inode, v);
	if ((v->prot & PROT_WRITE) && (node_of(f->inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (v->offset > FILE_BYTES_MAX || bytes > FILE_BYTES_MAX)
		return -EOVERFLOW;
	err = data_map(&node_of(f->inode)->data, v->offset / PAGE_SIZE, bytes / PAGE_SIZE, &mem);
	return err ? err : (long)mem;
}

static int no_fsync(struct file *f)
{
	(void)f;
	return 0;
}

const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.lseek = tmpfs_lseek,
	.mmap = tmpfs_mmap,
	.fsync = no_fsync,
};

static int file_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &tmpfs_file_ops;
	return 0;
}

static int file_truncate(struct inode *i, u64 size)
{
	u32 seals = node_of(i)->seals;

	if (size > FILE_BYTES_MAX)
		return -EFBIG;
	if ((size < i->size && (seals & F_SEAL_SHRINK)) || (size > i->size && (seals & F_SEAL_GROW)))
		return -EPERM;
	if (size < i->size)
		data_discard(&node_of(i)->data, size, FILE_BYTES_MAX);
	else
		clear_tail(i);
	i->size = size;
	inode_touch(i);
	return 0;
}

static u64 missing_pages(struct inode *i, u64 page, u64 last)
{
	u64 missing = 0, pages;

	for (; page < last; page += pages) {
		if (!data_at(&node_of(i)->data, page, &pages))
			missing += MIN(pages, last - page);
	}
	return missing;
}

static int preallocate(struct inode *i, u64 offset, u64 end)
{
	u64 page = offset / PAGE_SIZE, last = PAGE_UP(end) / PAGE_SIZE;

	/* What cannot succeed takes nothing. */
	if (missing_pages(i, page, last) > tmpfs_free_pages())
		return -ENOSPC;
	while (page < last) {
		u64 pages;
		u8 *mem;
		int err = data_reserve(&node_of(i)->data, page, last - page, &mem, &pages);

		if (err)
			return err;
		page += pages;
	}
	return 0;
}

static int file_fallocate(struct inode *i, u32 mode, u64 offset, u64 bytes)
{
	u64 end = offset + bytes;
	u32 seals = node_of(i)->seals;
	int err = 0;

	if (mode & ~(u32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (end > FILE_BYTES_MAX)
		return -EFBIG;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) &&
	    (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i->size && (seals & F_SEAL_GROW))
		return -EPERM;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		data_discard(&node_of(i)->data, offset, end);
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		err = preallocate(i, offset, end);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size) {
		clear_tail(i);
		i->size = end;
	}
	if (!err)
		inode_touch(i);
	return err;
}

static u64 file_blocks(const struct inode *i)
{
	return node_of(i)->data.pages * (PAGE_SIZE / 512);
}

static void file_release(struct inode *i)
{
	data_free(&node_of(i)->data);
	tmpfs_node_free(i);
}

const struct inode_ops tmpfs_file_inode_ops = {
	.open = file_open,
	.truncate = file_truncate,
	.setattr = tmpfs_setattr,
	.fallocate = file_fallocate,
	.blocks = file_blocks,
	.release = file_release,
};

static bool is_sealable(struct file *f)
{
	return f->inode && f->inode->ops == &tmpfs_file_inode_ops;
}

long tmpfs_seals_get(struct file *f)
{
	return is_sealable(f) ? (long)node_of(f->inode)->seals : -EINVAL;
}

/* Whether the guest has any of it mapped shared: for reading only counts too, windows do not tell. */
static bool mapped_shared(const struct tmpfs_data *d)
{
	for (u32 i = 0; i < d->count; i++) {
		const struct tmpfs_run *r = &d->runs[i];

		for (u64 page = 0; r->mapped && page < r->pages; page++) {
			if (shared_end((u64)r->mem + page * PAGE_SIZE))
				return true;
		}
	}
	return false;
}

long tmpfs_seals_add(struct file *f, u32 seals)
{
	if (!is_sealable(f) || (seals & ~(u32)SEALS_ALL))
		return -EINVAL;
	if (!file_writable(f) || (node_of(f->inode)->seals & F_SEAL_SEAL))
		return -EPERM;
	if ((seals & F_SEAL_WRITE) && !(node_of(f->inode)->seals & F_SEAL_WRITE) &&
	    mapped_shared(&node_of(f->inode)->data))
		return -EBUSY;
	node_of(f->inode)->seals |= seals;
	return 0;
}
