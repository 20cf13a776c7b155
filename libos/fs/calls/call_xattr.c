/* Extended attributes: no file has any, none can be given one. */
#include "calls.h"

static long on_path(u64 path, u32 at_flags, long answer)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, at_flags, &p);

	if (err)
		return err;
	path_put(&p);
	return answer;
}

static long on_fd(int fd, long answer)
{
	const struct file *f = fd_peek(fd);

	return f && !(f->flags & O_PATH) ? answer : -EBADF;
}

long sys_getxattr(const u64 a[6])
{
	return on_path(a[0], 0, -ENODATA);
}

long sys_lgetxattr(const u64 a[6])
{
	return on_path(a[0], AT_SYMLINK_NOFOLLOW, -ENODATA);
}

long sys_fgetxattr(const u64 a[6])
{
	return on_fd((int)a[0], -ENODATA);
}

long sys_setxattr(const u64 a[6])
{
	return on_path(a[0], 0, -EOPNOTSUPP);
}

long sys_lsetxattr(const u64 a[6])
{
	return on_path(a[0], AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

long sys_fsetxattr(const u64 a[6])
{
	return on_fd((int)a[0], -EOPNOTSUPP);
}

long sys_listxattr(const u64 a[6])
{
	return on_path(a[0], 0, 0);
}

long sys_llistxattr(const u64 a[6])
{
	return on_path(a[0], AT_SYMLINK_NOFOLLOW, 0);
}

long sys_flistxattr(const u64 a[6])
{
	return on_fd((int)a[0], 0);
}

long sys_removexattr(const u64 a[6])
{
	return on_path(a[0], 0, -EOPNOTSUPP);
}

long sys_lremovexattr(const u64 a[6])
{
	return on_path(a[0], AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

long sys_fremovexattr(const u64 a[6])
{
	return on_fd((int)a[0], -EOPNOTSUPP);
}
