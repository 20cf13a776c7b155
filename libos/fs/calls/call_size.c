/* Size and storage of files: truncate(2), fallocate(2), fsync(2) and kin. */
#include <linux/fadvise.h>
#include <linux/fs.h>

#include "calls.h"

static long truncate_inode(struct inode *i, s64 size)
{
	if (size < 0)
		return -EINVAL;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	return S_ISREG(i->mode) && i->ops->truncate ? i->ops->truncate(i, (u64)size) : -EINVAL;
}

long sys_truncate(const u64 a[6])
{
	struct inode *i;
	struct path p;
	long err;

	if ((s64)a[1] < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, a[0], 0, &p);
	if (err)
		return err;
	i = path_inode(&p);
	if (!i)
		err = -EINVAL;
	else if (S_ISDIR(i->mode))
		err = -EISDIR;
	else
		err = inode_permission(i, MAY_WRITE);
	if (!err)
		err = truncate_inode(i, (s64)a[1]);
	path_put(&p);
	return err;
}

long sys_ftruncate(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	err = f->inode && file_writable(f) ? truncate_inode(f->inode, (s64)a[1]) : -EINVAL;
	file_put(f);
	return err;
}

long sys_fallocate(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	s64 offset = (s64)a[2], bytes = (s64)a[3];
	long err;

	if (!f)
		return -EBADF;
	if (offset < 0 || bytes <= 0)
		err = -EINVAL;
	else if (!file_writable(f))
		err = -EBADF;
	else if (!f->inode || !f->ops->lseek)
		err = -ESPIPE;
	else if (!S_ISREG(f->inode->mode))
		err = -ENODEV;
	else if (bytes > (s64)FILE_BYTES_MAX || offset > (s64)FILE_BYTES_MAX)
		err = -EFBIG;
	else if (!f->inode->ops->fallocate)
		err = -EOPNOTSUPP;
	else
		err = f->inode->ops->fallocate(f->inode, (u32)a[1], (u64)offset, (u64)bytes);
	file_put(f);
	return err;
}

/* There is no device to wait for; files that cannot be synchronised answer so. */
long sys_fsync(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	if (f->ops->fsync)
		err = f->ops->fsync(f);
	else
		err = f->inode && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)) ? 0 : -EINVAL;
	file_put(f);
	return err;
}

long sys_fdatasync(const u64 a[6])
{
	return sys_fsync(a);
}

long sys_sync(const u64 a[6])
{
	(void)a;
	return 0;
}

long sys_syncfs(const u64 a[6])
{
	return fd_peek((int)a[0]) ? 0 : -EBADF;
}

/* 0 for a descriptor that has a position, or why it is none for advice on ranges. */
static long check_seekable(int fd)
{
	struct file *f = fd_peek(fd);

	if (!f || (f->flags & O_PATH))
		return -EBADF;
	return f->ops->lseek ? 0 : -ESPIPE;
}

long sys_sync_file_range(const u64 a[6])
{
	if ((s64)a[1] < 0 || (s64)a[2] < 0 || (a[3] & ~7ull))
		return -EINVAL;
	return check_seekable((int)a[0]);
}

long sys_fadvise64(const u64 a[6])
{
	long err = check_seekable((int)a[0]);

	if (err)
		return err;
	return (s64)a[2] < 0 || (u32)a[3] > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

long sys_readahead(const u64 a[6])
{
	struct file *f = fd_peek((int)a[0]);

	if (!f || (f->flags & O_PATH) || !file_readable(f))
		return -EBADF;
	return f->inode && S_ISREG(f->inode->mode) ? 0 : -EINVAL;
}
