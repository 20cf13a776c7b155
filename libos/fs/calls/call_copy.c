/* Copying between descriptors: sendfile(2), copy_file_range(2), splice(2); memfd_create(2). */
#include <linux/memfd.h>
#include <linux/poll.h>

#include "calls.h"
#include "fs/tree.h"
#include "include/upcalls.h"
#include "pipe/pipe.h"

#define CHUNK_BYTES 16384u
#define MEMFD_NAME_MAX 249 /* as Linux: NAME_MAX less the prefix */

/* splice(2); UAPI has no header for them. */
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL 15u

struct copy {
	struct file *in, *out;
	u64 *in_pos, *out_pos;
	u8 *buf;
};

/* Writes all of the buffer's n bytes, or says how many went; -errno only if none did. */
static ssize_t write_chunk(struct copy *c, u64 n)
{
	struct iovec iov = { .iov_base = c->buf, .iov_len = n };
	u64 done = 0;

	while (done < n) {
		struct uio u = { .iov = &iov, .count = 1, .skip = done, .left = n - done, .kernel = true };
		ssize_t w = c->out->ops->write(c->out, &u, c->out_pos);

		if (w <= 0)
			return done ? (ssize_t)done : w;
		done += (u64)w;
	}
	return (ssize_t)done;
}

/* The source is read at its position without moving it, so that what could not be written is not lost. */
static long copy_loop(struct copy *c, u64 bytes)
{
	u64 done = 0;

	while (done < bytes) {
		ssize_t n = file_pread(c->in, c->buf, MIN(bytes - done, CHUNK_BYTES), *c->in_pos), w;

		if (n <= 0)
			return done ? (long)done : n;
		w = write_chunk(c, (u64)n);
		if (w <= 0)
			return done ? (long)done : w;
		*c->in_pos += (u64)w;
		done += (u64)w;
		if (w < n)
			break;
	}
	return (long)done;
}

static long copy_bytes(struct copy *c, u64 bytes)
{
	long ret;

	c->buf = kmalloc(CHUNK_BYTES);
	if (!c->buf)
		return -ENOMEM;
	ret = copy_loop(c, MIN(bytes, RW_BYTES_MAX));
	kfree(c->buf);
	return ret;
}

static long check_sendfile(const struct file *in, const struct file *out)
{
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if (!in->ops->read || !in->ops->lseek || !out->ops->write || (out->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

static long sendfile_files(struct file *out, struct file *in, u64 offset_addr, u64 bytes)
{
	struct copy c = { .in = in, .out = out, .out_pos = &out->pos };
	u64 offset = in->pos;
	long ret = check_sendfile(in, out);

	if (ret)
		return ret;
	if (offset_addr && get_user_u64(&offset, offset_addr))
		return -EFAULT;
	if ((s64)offset < 0)
		return -EINVAL;
	c.in_pos = offset_addr ? &offset : &in->pos;
	ret = copy_bytes(&c, bytes);
	if (offset_addr && put_user_u64(offset_addr, offset))
		return -EFAULT;
	return ret;
}

long sys_sendfile(const u64 a[6])
{
	struct file *out = fd_get_rw((int)a[0]), *in = fd_get_rw((int)a[1]);
	long ret = out && in ? sendfile_files(out, in, a[2], a[3]) : -EBADF;

	file_put(in);
	file_put(out);
	return ret;
}

static long check_ranges(const struct file *in, u64 from, const struct file *out, u64 to, u64 bytes)
{
	if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
		return -EBADF;
	if (!in->inode || !out->inode)
		return -EINVAL;
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if ((s64)from < 0 || (s64)to < 0 || from + bytes < from || to + bytes < to)
		return -EOVERFLOW;
	if (in->inode == out->inode && from < to + bytes && to < from + bytes)
		return -EINVAL;
	return 0;
}

static long copy_range(struct file *in, u64 in_addr, struct file *out, u64 out_addr, u64 bytes)
{
	u64 from = in->pos, to = out->pos;
	struct copy c = { .in = in, .out = out };
	long ret;

	if ((in_addr && get_user_u64(&from, in_addr)) || (out_addr && get_user_u64(&to, out_addr)))
		return -EFAULT;
	bytes = MIN(bytes, RW_BYTES_MAX);
	ret = check_ranges(in, from, out, to, bytes);
	if (ret)
		return ret;
	c.in_pos = in_addr ? &from : &in->pos;
	c.out_pos = out_addr ? &to : &out->pos;
	ret = copy_bytes(&c, bytes);
	if ((in_addr && put_user_u64(in_addr, from)) || (out_addr && put_user_u64(out_addr, to)))
		return -EFAULT;
	return ret;
}

/* a: in, its offset, out, its offset, bytes, flags. */
long sys_copy_file_range(const u64 a[6])
{
	struct file *in, *out;
	long ret;

	if (a[5])
		return -EINVAL;
	in = fd_get_rw((int)a[0]);
	out = fd_get_rw((int)a[2]);
	ret = in && out ? copy_range(in, a[1], out, a[3], a[4]) : -EBADF;
	file_put(out);
	file_put(in);
	return ret;
}

/* What was taken out of a pipe is gone there: it is written whatever O_NONBLOCK says. */
static ssize_t write_taken(struct copy *c, u64 n)
{
	u32 nonblock = c->out->flags & O_NONBLOCK;
	ssize_t ret;

	c->out->flags &= ~(u32)O_NONBLOCK;
	ret = write_chunk(c, n);
	c->out->flags |= nonblock;
	return ret;
}

/* Moves what one read of the pipe gives. */
static long splice_from_pipe(struct copy *c, u64 bytes)
{
	struct iovec iov = { .iov_len = MIN(bytes, CHUNK_BYTES) };
	struct uio u = { .iov = &iov, .count = 1, .left = iov.iov_len, .kernel = true };
	ssize_t n;

	/* As much as surely fits a pipe that has room: this write does not wait then. */
	if (c->out->flags & O_NONBLOCK) {
		if (c->out->ops->poll && !(c->out->ops->poll(c->out, NULL) & POLLOUT))
			return -EAGAIN;
		iov.iov_len = u.left = MIN(u.left, PIPE_BUF);
	}
	c->buf = kmalloc(CHUNK_BYTES);
	if (!c->buf)
		return -ENOMEM;
	iov.iov_base = c->buf;
	n = c->in->ops->read(c->in, &u, &c->in->pos);
	if (n > 0)
		n = write_taken(c, (u64)n);
	kfree(c->buf);
	return n;
}

static long check_splice(const struct file *in, u64 in_addr, const struct file *out, u64 out_addr)
{
	bool from_pipe = file_is_pipe(in), to_pipe = file_is_pipe(out);

	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if ((from_pipe && in_addr) || (to_pipe && out_addr))
		return -ESPIPE;
	if ((!from_pipe && !to_pipe) || (from_pipe && to_pipe && in->priv == out->priv) ||
	    (out->flags & O_APPEND))
		return -EINVAL;
	if ((out_addr && !out->ops->lseek) || (!from_pipe && !in->ops->lseek))
		return -EINVAL;
	return in->ops->read && out->ops->write ? 0 : -EINVAL;
}

static long splice_files(struct file *in, u64 in_addr, struct file *out, u64 out_addr, u64 bytes, u32 flags)
{
	u64 from = in->pos, to = out->pos;
	struct copy c = { .in = in, .out = out, .in_pos = &in->pos, .out_pos = &out->pos };
	struct file *pipe = file_is_pipe(in) ? in : out;
	u32 added = flags & SPLICE_F_NONBLOCK ? O_NONBLOCK & ~pipe->flags : 0;
	long ret = check_splice(in, in_addr, out, out_addr);

	if (ret || !bytes)
		return ret;
	if ((in_addr && get_user_u64(&from, in_addr)) || (out_addr && get_user_u64(&to, out_addr)))
		return -EFAULT;
	if ((s64)from < 0 || (s64)to < 0)
		return -EINVAL;
	if (in_addr)
		c.in_pos = &from;
	if (out_addr)
		c.out_pos = &to;
	pipe->flags |= added;
	ret = pipe == in ? splice_from_pipe(&c, bytes) : copy_bytes(&c, bytes);
	pipe->flags &= ~added;
	if ((in_addr && put_user_u64(in_addr, from)) || (out_addr && put_user_u64(out_addr, to)))
		return -EFAULT;
	return ret;
}

/* a: in, its offset, out, its offset, bytes, flags. */
long sys_splice(const u64 a[6])
{
	struct file *in, *out;
	long ret;

	if ((u32)a[5] & ~SPLICE_F_ALL)
		return -EINVAL;
	in = fd_get_rw((int)a[0]);
	out = fd_get_rw((int)a[2]);
	ret = in && out ? splice_files(in, a[1], out, a[3], a[4], (u32)a[5]) : -EBADF;
	file_put(out);
	file_put(in);
	return ret;
}

/* tee(2): EINVAL, as for files that cannot; callers then read and write. */
long sys_tee(const u64 a[6])
{
	return fd_peek((int)a[0]) && fd_peek((int)a[1]) ? -EINVAL : -EBADF;
}

static int memfd_file(const char *name, u32 flags, struct file **out)
{
	char label[MEMFD_NAME_MAX + 8];
	struct path p = { 0 };
	struct inode *i;
	int err = tmpfs_memfd(flags & MFD_ALLOW_SEALING, 0777, &i), len;

	if (err)
		return err;
	len = snprintf(label, sizeof label, "memfd:%s", name);
	p.dentry = dentry_new(fs_root, label, (size_t)len, i);
	if (!p.dentry)
		return -ENOMEM;
	p.dentry->deleted = true;
	err = path_open_at(&p, O_RDWR, out);
	path_put(&p);
	return err;
}

long sys_memfd_create(const u64 a[6])
{
	char name[MEMFD_NAME_MAX + 1];
	struct file *f;
	long n;

	if ((u32)a[1] & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	n = strncpy_from_user(name, a[0], sizeof name);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	n = memfd_file(name, (u32)a[1], &f);
	return n ? n : fd_install(f, 0, (u32)a[1] & MFD_CLOEXEC);
}
