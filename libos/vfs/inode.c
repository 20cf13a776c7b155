/* Inodes: references, permission, times, stat. */
#include "fs.h"
#include "time/clock.h"

#define NS_PER_S 1000000000ull
#define RELATIME_S (24 * 3600)

struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, u64 ino, u32 mode)
{
	struct inode *i = kzalloc(sizeof *i);

	if (!i)
		return NULL;
	i->ops = ops;
	i->sb = sb;
	i->ino = ino;
	i->mode = mode;
	i->nlink = 1;
	i->refs = 1;
	list_init(&i->locks);
	return i;
}

struct inode *inode_get(struct inode *i)
{
	i->refs++;
	return i;
}

void inode_put(struct inode *i)
{
	if (!i || --i->refs)
		return;
	if (i->ops->release)
		i->ops->release(i);
	kfree(i);
}

static bool holds_content(u32 mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

int inode_permission(const struct inode *i, u32 may)
{
	u32 bits;

	if ((may & MAY_WRITE) && i->sb->read_only && holds_content(i->mode))
		return -EROFS;
	if (!i->sb->check_modes)
		return (may & MAY_EXEC) && S_ISREG(i->mode) && !(i->mode & 0111) ? -EACCES : 0;
	if (i->uid == UC_UID)
		bits = i->mode >> 6;
	else if (i->gid == UC_GID)
		bits = i->mode >> 3;
	else
		bits = i->mode;
	return (bits & may) == may ? 0 : -EACCES;
}

int inode_owned(const struct inode *i)
{
	if (i->sb->read_only)
		return -EROFS;
	return i->uid == UC_UID || !i->sb->check_modes ? 0 : -EPERM;
}

/* 512-byte units, as of a file system that allots pages and keeps symlinks in the inode. */
static u64 usual_blocks(const struct inode *i)
{
	return S_ISLNK(i->mode) ? 0 : PAGE_UP(i->size) / 512;
}

void inode_stat(const struct inode *i, struct stat *st)
{
	memset(st, 0, sizeof *st);
	st->st_dev = i->sb->dev;
	st->st_ino = i->ino;
	st->st_nlink = i->nlink;
	st->st_mode = i->mode;
	st->st_uid = i->uid;
	st->st_gid = i->gid;
	st->st_rdev = i->rdev;
	st->st_size = (long)i->size;
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = (long)(i->ops->blocks ? i->ops->blocks(i) : usual_blocks(i));
	st->st_atime = (u64)i->atime[0];
	st->st_atime_nsec = (u64)i->atime[1];
	st->st_mtime = (u64)i->mtime[0];
	st->st_mtime_nsec = (u64)i->mtime[1];
	st->st_ctime = (u64)i->ctime[0];
	st->st_ctime_nsec = (u64)i->ctime[1];
}

void time_now(s64 ts[2])
{
	u64 ns = clock_realtime_ns();

	ts[0] = (s64)(ns / NS_PER_S);
	ts[1] = (s64)(ns % NS_PER_S);
}

void inode_touch(struct inode *i)
{
	time_now(i->mtime);
	i->ctime[0] = i->mtime[0];
	i->ctime[1] = i->mtime[1];
}

void inode_changed(struct inode *i)
{
	time_now(i->ctime);
}

static bool not_after(const s64 a[2], const s64 b[2])
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] <= b[1]);
}

void inode_accessed(struct inode *i)
{
	s64 now[2];

	if (i->sb->read_only)
		return;
	time_now(now);
	if (not_after(i->atime, i->mtime) || not_after(i->atime, i->ctime) ||
	    now[0] - i->atime[0] >= RELATIME_S) {
		i->atime[0] = now[0];
		i->atime[1] = now[1];
	}
}
