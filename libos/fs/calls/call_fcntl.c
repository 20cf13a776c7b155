/* Descriptors: dup(2), fcntl(2), flock(2), ioctl(2), umask(2). */
#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "calls.h"
#include "fs/tree.h"

#define SETFL_MASK ((u32)(O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME))
#define SIGNALS 64

long sys_dup(const u64 a[6])
{
	struct file *f = fd_get((int)a[0]);

	return f ? fd_install(f, 0, false) : -EBADF;
}

static long dup_to(int from, int to, bool cloexec)
{
	struct file *f = fd_get(from);

	return f ? fd_replace(to, f, cloexec) : -EBADF;
}

long sys_dup2(const u64 a[6])
{
	if ((int)a[0] == (int)a[1])
		return fd_peek((int)a[0]) ? (long)(int)a[0] : -EBADF;
	return dup_to((int)a[0], (int)a[1], false);
}

long sys_dup3(const u64 a[6])
{
	if (((u32)a[2] & ~(u32)O_CLOEXEC) || (int)a[0] == (int)a[1])
		return -EINVAL;
	return dup_to((int)a[0], (int)a[1], (u32)a[2] & O_CLOEXEC);
}

static long dup_from(struct file *f, u64 min_fd, bool cloexec)
{
	if (min_fd >= (u64)fd_limit())
		return -EINVAL;
	return fd_install(file_get(f), (u32)min_fd, cloexec);
}

static long set_flags(struct file *f, u64 flags)
{
	f->flags = (f->flags & ~SETFL_MASK) | ((u32)flags & SETFL_MASK);
	return 0;
}

static long set_signal(struct file *f, u64 signo)
{
	if (signo > SIGNALS)
		return -EINVAL;
	f->owner_signal = (int)signo;
	return 0;
}

static long fcntl_any(int fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_from(f, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return (long)f->flags;
	default:
		return -ENOSYS; /* none of those that hold for O_PATH too */
	}
}

static long fcntl_opened(struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_fcntl(f, cmd, arg);
	case F_SETOWN:
		f->owner_pid = (int)arg;
		return 0;
	case F_GETOWN:
		return f->owner_pid;
	case F_SETSIG:
		return set_signal(f, arg);
	case F_GETSIG:
		return f->owner_signal;
	case F_GETLEASE:
		return F_UNLCK;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return f->ops->fcntl ? f->ops->fcntl(f, cmd, arg) : -EBADF;
	case F_ADD_SEALS:
		return tmpfs_seals_add(f, (u32)arg);
	case F_GET_SEALS:
		return tmpfs_seals_get(f);
	default:
		return -EINVAL;
	}
}

long sys_fcntl(const u64 a[6])
{
	struct file *f = fd_get((int)a[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = fcntl_any((int)a[0], f, (u32)a[1], a[2]);
	if (ret == -ENOSYS)
		ret = f->flags & O_PATH ? -EBADF : fcntl_opened(f, (u32)a[1], a[2]);
	file_put(f);
	return ret;
}

long sys_flock(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = lock_flock(f, (u32)a[1]);
	file_put(f);
	return ret;
}

static long ioctl_flag(struct file *f, u64 arg, u32 flag)
{
	u32 on;

	if (get_user_u32(&on, arg))
		return -EFAULT;
	f->flags = on ? f->flags | flag : f->flags & ~flag;
	return 0;
}

static long ioctl_readable_bytes(struct file *f, u64 arg)
{
	u64 size = f->inode->size;

	return put_user_u32(arg, f->pos < size ? (u32)(size - f->pos) : 0);
}

static long ioctl(int fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		return ioctl_flag(f, arg, O_NONBLOCK);
	case FIOASYNC:
		return ioctl_flag(f, arg, FASYNC);
	case FIONREAD:
		if (f->inode && S_ISREG(f->inode->mode))
			return ioctl_readable_bytes(f, arg);
		break;
	default:
		break;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = ioctl((int)a[0], f, (u32)a[1], a[2]);
	file_put(f);
	return ret;
}

long sys_umask(const u64 a[6])
{
	u32 old = fd_umask;

	fd_umask = (u32)a[0] & 0777;
	return (long)old;
}
