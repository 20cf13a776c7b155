/* Open files: references and the operations that several file systems share. */
#include <linux/fs.h>
#include <linux/mman.h>

#include "fs.h"
#include "host/host.h"
#include "include/upcalls.h"

struct file *file_new(const struct file_ops *ops, u32 flags, void *priv)
{
	struct file *f = kzalloc(sizeof *f);

	if (!f)
		return NULL;
	f->ops = ops;
	f->refs = 1;
	f->flags = flags;
	f->priv = priv;
	list_init(&f->epoll_items);
	return f;
}

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	if (!f || --f->refs)
		return;
	if (!list_empty(&f->epoll_items))
		epoll_file_released(f);
	if (f->inode)
		locks_file_released(f);
	if (f->ops->release)
		f->ops->release(f);
	dentry_put(f->dentry);
	inode_put(f->inode);
	kfree(f);
}

int file_stat(struct file *f, struct stat *st)
{
	if (f->ops->stat) {
		memset(st, 0, sizeof *st);
		return f->ops->stat(f, st);
	}
	if (f->inode) {
		inode_stat(f->inode, st);
		return 0;
	}
	memset(st, 0, sizeof *st);
	st->st_mode = 0600;
	st->st_nlink = 1;
	st->st_ino = 1;
	st->st_blksize = PAGE_SIZE;
	st->st_uid = UC_UID;
	st->st_gid = UC_GID;
	return 0;
}

ssize_t file_pread(struct file *f, void *buf, u64 bytes, u64 pos)
{
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	u64 done = 0;

	if (!f->ops->read)
		return -EINVAL;
	while (done < bytes) {
		struct uio u = {
			.iov = &iov, .count = 1, .skip = done, .left = bytes - done, .kernel = true
		};
		u64 at = pos + done;
		ssize_t n = f->ops->read(f, &u, &at);

		if (n < 0)
			return done ? (ssize_t)done : n;
		if (!n)
			break;
		done += (u64)n;
	}
	return (ssize_t)done;
}

s64 file_lseek_size(struct file *f, s64 offset, int whence, u64 size)
{
	s64 base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (s64)f->pos;
		break;
	case SEEK_END:
		base = (s64)size;
		break;
	case SEEK_DATA:
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		base = 0;
		break;
	case SEEK_HOLE:
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		base = 0;
		offset = (s64)size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &offset))
		return -EOVERFLOW;
	if (offset < 0)
		return -EINVAL;
	f->pos = (u64)offset;
	return offset;
}

s64 file_lseek(struct file *f, s64 offset, int whence)
{
	return file_lseek_size(f, offset, whence, f->inode->size);
}

s64 file_lseek_cursor(struct file *f, s64 offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (s64)f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->pos = (u64)offset;
	return offset;
}

ssize_t file_no_read_dir(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return -EISDIR;
}

ssize_t file_read_memory(struct uio *u, u64 *pos, const void *data, u64 size)
{
	u64 n;

	if (*pos >= size)
		return 0;
	n = MIN(u->left, size - *pos);
	if (uio_write(u, (const u8 *)data + *pos, n))
		return -EFAULT;
	*pos += n;
	return (ssize_t)n;
}

long file_mmap_copy(struct file *f, struct vma *v)
{
	u64 bytes = v->end - v->start;
	long err;
	ssize_t n;

	if ((v->flags & MAP_TYPE) != MAP_PRIVATE)
		return -ENODEV;
	err = host_mmap(v->start, bytes, PROT_READ | PROT_WRITE, 0, -1, 0);
	if (err < 0)
		return err;
	n = file_pread(f, (void *)v->start, bytes, v->offset);
	if (n < 0)
		return n;
	if (v->prot != (PROT_READ | PROT_WRITE)) {
		err = host_mprotect(v->start, bytes, (int)v->prot);
		if (err < 0)
			return err;
	}
	return (long)v->start;
}

const struct file_ops path_file_ops = { 0 };
