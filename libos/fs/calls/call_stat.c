/* stat(2), statx(2), access(2), readlink(2), statfs(2). */
#include <asm/statfs.h>

#include "calls.h"

#define AT_STATX_FLAGS ((u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
#define PIPEFS_MAGIC 0x50495045
#define ST_RDONLY 1
#define ST_VALID 0x20
#define INODES_MANY 1048576

static int stat_path(const struct path *p, struct stat *st)
{
	if (p->file)
		return file_stat(p->file, st);
	inode_stat(p->dentry->inode, st);
	return 0;
}

static long stat_at(int dirfd, u64 path, u32 at_flags, struct stat *st)
{
	struct path p;
	int err = path_lookup_user(dirfd, path, at_flags, &p);

	if (err)
		return err;
	err = stat_path(&p, st);
	path_put(&p);
	return err;
}

static long stat_out(long err, const struct stat *st, u64 out)
{
	return err ? err : copy_to_user(out, st, sizeof *st);
}

long sys_stat(const u64 a[6])
{
	struct stat st;

	return stat_out(stat_at(AT_FDCWD, a[0], 0, &st), &st, a[1]);
}

long sys_lstat(const u64 a[6])
{
	struct stat st;

	return stat_out(stat_at(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &st), &st, a[1]);
}

long sys_fstat(const u64 a[6])
{
	struct file *f = fd_get((int)a[0]);
	struct stat st;
	long err;

	if (!f)
		return -EBADF;
	err = file_stat(f, &st);
	file_put(f);
	return stat_out(err, &st, a[1]);
}

long sys_newfstatat(const u64 a[6])
{
	struct stat st;

	if ((u32)a[3] & ~AT_STATX_FLAGS)
		return -EINVAL;
	return stat_out(stat_at((int)a[0], a[1], (u32)a[3], &st), &st, a[2]);
}

static void dev_split(u64 dev, u32 *major, u32 *minor)
{
	*major = (u32)(dev >> 8) & 0xfff;
	*minor = (u32)(dev & 0xff) | ((u32)(dev >> 12) & ~0xffu);
}

static void to_statx(const struct stat *st, struct statx *sx)
{
	memset(sx, 0, sizeof *sx);
	sx->stx_mask = STATX_BASIC_STATS;
	sx->stx_blksize = (u32)st->st_blksize;
	sx->stx_nlink = (u32)st->st_nlink;
	sx->stx_uid = st->st_uid;
	sx->stx_gid = st->st_gid;
	sx->stx_mode = (u16)st->st_mode;
	sx->stx_ino = st->st_ino;
	sx->stx_size = (u64)st->st_size;
	sx->stx_blocks = (u64)st->st_blocks;
	sx->stx_atime.tv_sec = (s64)st->st_atime;
	sx->stx_atime.tv_nsec = (u32)st->st_atime_nsec;
	sx->stx_mtime.tv_sec = (s64)st->st_mtime;
	sx->stx_mtime.tv_nsec = (u32)st->st_mtime_nsec;
	sx->stx_ctime.tv_sec = (s64)st->st_ctime;
	sx->stx_ctime.tv_nsec = (u32)st->st_ctime_nsec;
	dev_split(st->st_rdev, &sx->stx_rdev_major, &sx->stx_rdev_minor);
	dev_split(st->st_dev, &sx->stx_dev_major, &sx->stx_dev_minor);
}

/* a: dirfd, path, flags, mask, buffer. */
long sys_statx(const u64 a[6])
{
	u32 flags = (u32)a[2];
	struct statx sx;
	struct stat st;
	long err;

	if ((flags & ~AT_STATX_FLAGS) || ((u32)a[3] & STATX__RESERVED) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_at((int)a[0], a[1], flags, &st);
	if (err)
		return err;
	to_statx(&st, &sx);
	return copy_to_user(a[4], &sx, sizeof sx);
}

static long access_at(int dirfd, u64 path, u32 may, u32 flags)
{
	struct inode *i;
	struct path p;
	long err;

	if ((may & ~7u) || (flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	err = path_lookup_user(dirfd, path, flags, &p);
	if (err)
		return err;
	i = path_inode(&p);
	err = i && may ? inode_permission(i, may) : 0;
	path_put(&p);
	return err;
}

long sys_access(const u64 a[6])
{
	return access_at(AT_FDCWD, a[0], (u32)a[1], 0);
}

long sys_faccessat(const u64 a[6])
{
	return access_at((int)a[0], a[1], (u32)a[2], 0);
}

long sys_faccessat2(const u64 a[6])
{
	return access_at((int)a[0], a[1], (u32)a[2], (u32)a[3]);
}

static long readlink_at(int dirfd, u64 path, u32 at_flags, u64 out, int size)
{
	struct inode *i;
	struct path p;
	char *buf;
	long ret;

	if (size <= 0)
		return -EINVAL;
	ret = path_lookup_user(dirfd, path, AT_SYMLINK_NOFOLLOW | at_flags, &p);
	if (ret)
		return ret;
	i = path_inode(&p);
	buf = kmalloc(PATH_MAX);
	if (!i || !S_ISLNK(i->mode) || !i->ops->readlink)
		ret = p.file ? -ENOENT : -EINVAL;
	else if (!buf)
		ret = -ENOMEM;
	else
		ret = i->ops->readlink(i, buf, (size_t)MIN(size, PATH_MAX));
	if (ret > 0 && copy_to_user(out, buf, (u64)ret))
		ret = -EFAULT;
	kfree(buf);
	path_put(&p);
	return ret;
}

long sys_readlink(const u64 a[6])
{
	return readlink_at(AT_FDCWD, a[0], 0, a[1], (int)a[2]);
}

long sys_readlinkat(const u64 a[6])
{
	return readlink_at((int)a[0], a[1], AT_EMPTY_PATH, a[2], (int)a[3]);
}

static long statfs_out(const struct inode *i, u64 out)
{
	struct statfs s = {
		.f_type = PIPEFS_MAGIC, .f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = NAME_MAX
	};
	u64 limit = 0, used = 0;

	if (i) {
		used = i->sb->usage ? i->sb->usage(i->sb, &limit) : 0;
		s.f_type = (long)i->sb->magic;
		s.f_blocks = (long)(limit / PAGE_SIZE);
		s.f_bfree = s.f_bavail = (long)((limit - MIN(used, limit)) / PAGE_SIZE);
		s.f_files = i->sb->read_only ? 0 : INODES_MANY;
		s.f_ffree = s.f_files;
		s.f_fsid.val[0] = (int)i->sb->dev;
		s.f_flags = ST_VALID | (i->sb->read_only ? ST_RDONLY : 0);
	}
	return copy_to_user(out, &s, sizeof s);
}

long sys_statfs(const u64 a[6])
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, a[0], 0, &p);

	if (err)
		return err;
	err = statfs_out(path_inode(&p), a[1]);
	path_put(&p);
	return err;
}

long sys_fstatfs(const u64 a[6])
{
	struct file *f = fd_get((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	err = statfs_out(f->inode, a[1]);
	file_put(f);
	return err;
}
