/* open(2), close(2), lseek(2) and kin. */
#include <linux/close_range.h>
#include <linux/openat2.h>

#include "calls.h"

#define OPEN_FLAGS_KNOWN                                                                                     \
	((u32)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
	       O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
	       O_TMPFILE))

static long open_user(int dirfd, u64 addr, u32 flags, u32 mode)
{
	struct file *f;
	char *path;
	long ret = path_from_user(addr, &path);

	if (ret)
		return ret;
	ret = path_open(dirfd, path, flags & OPEN_FLAGS_KNOWN, mode, &f);
	kfree(path);
	return ret ? ret : fd_install(f, 0, flags & O_CLOEXEC);
}

long sys_open(const u64 a[6])
{
	return open_user(AT_FDCWD, a[0], (u32)a[1], (u32)a[2]);
}

long sys_openat(const u64 a[6])
{
	return open_user((int)a[0], a[1], (u32)a[2], (u32)a[3]);
}

long sys_creat(const u64 a[6])
{
	return open_user(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (u32)a[1]);
}

/* openat2(2). Ways of resolution (resolve) are not restricted: EINVAL for any. */
long sys_openat2(const u64 a[6])
{
	struct open_how how;

	if (a[3] < sizeof how)
		return -EINVAL;
	if (a[3] > sizeof how)
		return -E2BIG;
	if (copy_from_user(&how, a[2], sizeof how))
		return -EFAULT;
	if ((how.flags & ~(u64)OPEN_FLAGS_KNOWN) || how.resolve || (how.mode & ~07777ull))
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return -EINVAL;
	return open_user((int)a[0], a[1], (u32)how.flags, (u32)how.mode);
}

long sys_close(const u64 a[6])
{
	return fd_close((int)a[0]);
}

/* close_range(2). CLOSE_RANGE_UNSHARE changes nothing: there is one table. */
long sys_close_range(const u64 a[6])
{
	u32 first = (u32)a[0], last = (u32)a[1], flags = (u32)a[2];
	struct file *f;
	int fd;

	if (first > last || (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
		return -EINVAL;
	if (first > (u32)INT32_MAX)
		return 0;
	for (fd = fd_next((int)first, &f); fd >= 0 && (u32)fd <= last; fd = fd_next(fd + 1, &f)) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			fd_set_cloexec(fd, true);
		else
			fd_close(fd);
	}
	return 0;
}

long sys_lseek(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	s64 ret;

	if (!f)
		return -EBADF;
	ret = f->ops->lseek ? f->ops->lseek(f, (s64)a[1], (int)a[2]) : -ESPIPE;
	file_put(f);
	return ret;
}
