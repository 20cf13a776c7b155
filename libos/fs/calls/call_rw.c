/* read(2), write(2) and their vectored and positioned kin. */
#include <linux/fs.h>
#include <linux/uio.h>

#include "calls.h"

#define FAST_VECTORS 8
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

struct transfer {
	bool write;
	bool positioned;
	u64 offset; /* if positioned */
	u32 rwf;    /* RWF_… */
};

static long move_bytes(struct file *f, struct uio *u, const struct transfer *t)
{
	ssize_t (*op)(struct file *, struct uio *, u64 *) = t->write ? f->ops->write : f->ops->read;
	u64 offset = t->offset;

	if (t->write ? !file_writable(f) : !file_readable(f))
		return -EBADF;
	if (!op)
		return -EINVAL;
	if (!t->positioned)
		return op(f, u, &f->pos);
	if (!f->ops->lseek)
		return -ESPIPE;
	return (s64)offset < 0 ? -EINVAL : op(f, u, &offset);
}

/* Some RWF_ flags are file flags for the time of one call. */
static long move_flagged(struct file *f, struct uio *u, const struct transfer *t)
{
	u32 set = (t->rwf & RWF_APPEND ? O_APPEND : 0) | (t->rwf & RWF_NOWAIT ? O_NONBLOCK : 0);
	u32 added = set & ~f->flags;
	long ret;

	if (t->rwf & ~(u32)RWF_KNOWN)
		return -EOPNOTSUPP;
	f->flags |= added;
	ret = move_bytes(f, u, t);
	f->flags &= ~added;
	return ret;
}

static long transfer(int fd, const struct iovec *iov, int count, u64 bytes, const struct transfer *t)
{
	struct uio u = { .iov = iov, .count = count, .left = bytes };
	struct file *f = fd_get_rw(fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = move_flagged(f, &u, t);
	file_put(f);
	return ret;
}

static long transfer_one(int fd, u64 base, u64 bytes, const struct transfer *t)
{
	struct iovec iov = { .iov_base = (void *)base, .iov_len = MIN(bytes, RW_BYTES_MAX) };

	if ((s64)bytes < 0)
		return -EINVAL;
	return transfer(fd, &iov, 1, iov.iov_len, t);
}

/* Cuts the vector off at the longest transfer; -EINVAL for a length that is no size. */
static s64 vector_bytes(struct iovec *iov, int count)
{
	u64 bytes = 0;

	for (int i = 0; i < count; i++) {
		if ((s64)iov[i].iov_len < 0)
			return -EINVAL;
		iov[i].iov_len = MIN(iov[i].iov_len, RW_BYTES_MAX - bytes);
		bytes += iov[i].iov_len;
	}
	return (s64)bytes;
}

static long transfer_vector(int fd, u64 vector, u64 count, const struct transfer *t)
{
	struct iovec fast[FAST_VECTORS], *iov = fast;
	s64 bytes;
	long ret;

	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > FAST_VECTORS) {
		iov = kmalloc(count * sizeof *iov);
		if (!iov)
			return -ENOMEM;
	}
	if (copy_from_user(iov, vector, count * sizeof *iov)) {
		ret = -EFAULT;
	} else {
		bytes = vector_bytes(iov, (int)count);
		ret = bytes < 0 ? bytes : transfer(fd, iov, (int)count, (u64)bytes, t);
	}
	if (iov != fast)
		kfree(iov);
	return ret;
}

long sys_read(const u64 a[6])
{
	return transfer_one((int)a[0], a[1], a[2], &(struct transfer){ 0 });
}

long sys_write(const u64 a[6])
{
	return transfer_one((int)a[0], a[1], a[2], &(struct transfer){ .write = true });
}

long sys_pread64(const u64 a[6])
{
	return transfer_one((int)a[0], a[1], a[2], &(struct transfer){ .positioned = true, .offset = a[3] });
}

long sys_pwrite64(const u64 a[6])
{
	return transfer_one((int)a[0], a[1], a[2],
			    &(struct transfer){ .write = true, .positioned = true, .offset = a[3] });
}

long sys_readv(const u64 a[6])
{
	return transfer_vector((int)a[0], a[1], a[2], &(struct transfer){ 0 });
}

long sys_writev(const u64 a[6])
{
	return transfer_vector((int)a[0], a[1], a[2], &(struct transfer){ .write = true });
}

long sys_preadv(const u64 a[6])
{
	return transfer_vector((int)a[0], a[1], a[2],
			       &(struct transfer){ .positioned = true, .offset = a[3] });
}

long sys_pwritev(const u64 a[6])
{
	return transfer_vector((int)a[0], a[1], a[2],
			       &(struct transfer){ .write = true, .positioned = true, .offset = a[3] });
}

/* preadv2(2), pwritev2(2): offset -1 is the file's own. */
static long transfer_flagged(const u64 a[6], bool write)
{
	struct transfer t = { .write = write, .positioned = a[3] != ~0ull, .offset = a[3], .rwf = (u32)a[5] };

	return transfer_vector((int)a[0], a[1], a[2], &t);
}

long sys_preadv2(const u64 a[6])
{
	return transfer_flagged(a, false);
}

long sys_pwritev2(const u64 a[6])
{
	return transfer_flagged(a, true);
}
