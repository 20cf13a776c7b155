/* Mode, owner and times of files: chmod(2), chown(2), utimensat(2). */
#include "calls.h"

#define UTIME_NOW_NS ((1l << 30) - 1l)
#define UTIME_OMIT_NS ((1l << 30) - 2l)
#define NS_PER_S 1000000000l
#define NS_PER_US 1000l
#define KEEP_ID (~0u)

static int store(struct inode *i)
{
	inode_changed(i);
	return i->ops->setattr ? i->ops->setattr(i) : -EPERM;
}

static int set_mode(struct inode *i, u32 mode)
{
	int err = inode_owned(i);

	if (err)
		return err;
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	i->mode = (i->mode & S_IFMT) | (mode & 07777);
	return store(i);
}

/* An ordinary user may give its file to itself only. */
static int set_owner(struct inode *i, u32 uid, u32 gid)
{
	int err = inode_owned(i);

	if (err)
		return err;
	if ((uid != KEEP_ID && uid != i->uid) || (gid != KEEP_ID && gid != i->gid && gid != UC_GID))
		return -EPERM;
	if (gid != KEEP_ID)
		i->gid = gid;
	if (!S_ISDIR(i->mode))
		i->mode &= ~(u32)(S_ISUID | (i->mode & S_IXGRP ? S_ISGID : 0));
	return store(i);
}

/* Applies ts[0], ts[1]: access and modification time with the special nanoseconds of utimensat(2). */
static int set_times(struct inode *i, s64 ts[2][2])
{
	bool both_now = ts[0][1] == UTIME_NOW_NS && ts[1][1] == UTIME_NOW_NS;
	int err = inode_owned(i);

	if (ts[0][1] == UTIME_OMIT_NS && ts[1][1] == UTIME_OMIT_NS)
		return 0;
	if (err == -EPERM && both_now)
		err = inode_permission(i, MAY_WRITE);
	if (err)
		return err;
	for (int k = 0; k < 2; k++) {
		s64 *to = k ? i->mtime : i->atime;

		if (ts[k][1] == UTIME_NOW_NS)
			time_now(to);
		else if (ts[k][1] != UTIME_OMIT_NS)
			memcpy(to, ts[k], sizeof ts[k]);
	}
	return store(i);
}

/* The inode that a path leads to; for path_put, when it is there. */
static long inode_at(int dirfd, u64 path, u32 flags, struct path *p, struct inode **i)
{
	long err = path_lookup_user(dirfd, path, flags, p);

	if (err)
		return err;
	*i = path_inode(p);
	if (*i)
		return 0;
	path_put(p);
	return -EPERM; /* a pipe or socket */
}

static long chmod_at(int dirfd, u64 path, u32 mode, u32 flags)
{
	struct inode *i;
	struct path p;
	long err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = inode_at(dirfd, path, flags, &p, &i);
	if (err)
		return err;
	err = set_mode(i, mode);
	path_put(&p);
	return err;
}

long sys_chmod(const u64 a[6])
{
	return chmod_at(AT_FDCWD, a[0], (u32)a[1], 0);
}

long sys_fchmodat(const u64 a[6])
{
	return chmod_at((int)a[0], a[1], (u32)a[2], 0);
}

long sys_fchmodat2(const u64 a[6])
{
	return chmod_at((int)a[0], a[1], (u32)a[2], (u32)a[3]);
}

long sys_fchmod(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	err = f->inode ? set_mode(f->inode, (u32)a[1]) : 0;
	file_put(f);
	return err;
}

static long chown_at(int dirfd, u64 path, u32 uid, u32 gid, u32 flags)
{
	struct inode *i;
	struct path p;
	long err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = inode_at(dirfd, path, flags, &p, &i);
	if (err)
		return err;
	err = set_owner(i, uid, gid);
	path_put(&p);
	return err;
}

long sys_chown(const u64 a[6])
{
	return chown_at(AT_FDCWD, a[0], (u32)a[1], (u32)a[2], 0);
}

long sys_lchown(const u64 a[6])
{
	return chown_at(AT_FDCWD, a[0], (u32)a[1], (u32)a[2], AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(const u64 a[6])
{
	return chown_at((int)a[0], a[1], (u32)a[2], (u32)a[3], (u32)a[4]);
}

long sys_fchown(const u64 a[6])
{
	struct file *f = fd_get_rw((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	err = f->inode ? set_owner(f->inode, (u32)a[1], (u32)a[2]) : 0;
	file_put(f);
	return err;
}

static long times_at(int dirfd, u64 path, s64 ts[2][2], u32 flags)
{
	struct inode *i;
	struct path p;
	long err;

	err = inode_at(dirfd, path, flags, &p, &i);
	if (err)
		return err;
	err = set_times(i, ts);
	path_put(&p);
	return err;
}

static long times_of_fd(int fd, s64 ts[2][2])
{
	struct file *f = fd_get_rw(fd);
	long err;

	if (!f)
		return -EBADF;
	err = f->inode ? set_times(f->inode, ts) : -EPERM;
	file_put(f);
	return err;
}

static void times_now(s64 ts[2][2])
{
	ts[0][0] = ts[1][0] = 0;
	ts[0][1] = ts[1][1] = UTIME_NOW_NS;
}

long sys_utimensat(const u64 a[6])
{
	u32 flags = (u32)a[3];
	s64 ts[2][2];

	if (!a[2])
		times_now(ts);
	else if (copy_from_user(ts, a[2], sizeof ts))
		return -EFAULT;
	for (int k = 0; k < 2; k++) {
		if (ts[k][1] != UTIME_NOW_NS && ts[k][1] != UTIME_OMIT_NS &&
		    (ts[k][1] < 0 || ts[k][1] >= NS_PER_S))
			return -EINVAL;
	}
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!a[1])
		return flags ? -EINVAL : times_of_fd((int)a[0], ts);
	return times_at((int)a[0], a[1], ts, flags);
}

/* Times of utimes(2): seconds and microseconds. */
static long utimes_at(int dirfd, u64 path, u64 times)
{
	s64 ts[2][2];

	if (!times)
		times_now(ts);
	else if (copy_from_user(ts, times, sizeof ts))
		return -EFAULT;
	for (int k = 0; times && k < 2; k++) {
		if (ts[k][1] < 0 || ts[k][1] >= NS_PER_S / NS_PER_US)
			return -EINVAL;
		ts[k][1] *= NS_PER_US;
	}
	return path ? times_at(dirfd, path, ts, 0) : times_of_fd(dirfd, ts);
}

long sys_utimes(const u64 a[6])
{
	return utimes_at(AT_FDCWD, a[0], a[1]);
}

long sys_futimesat(const u64 a[6])
{
	return utimes_at((int)a[0], a[1], a[2]);
}

long sys_utime(const u64 a[6])
{
	s64 ts[2][2], seconds[2];

	if (!a[1]) {
		times_now(ts);
	} else {
		if (copy_from_user(seconds, a[1], sizeof seconds))
			return -EFAULT;
		ts[0][0] = seconds[0];
		ts[1][0] = seconds[1];
		ts[0][1] = ts[1][1] = 0;
	}
	return times_at(AT_FDCWD, a[0], ts, 0);
}
