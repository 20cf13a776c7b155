/* getdents(2), the working directory, mkdir(2). */
#include "calls.h"

#define BUFFER_MAX 32768u
/* Cursors from here on stand for names that mounts put over a directory. */
#define OVERLAY_POS (1ull << 62)
#define DOTS 2u

/* struct linux_dirent64, and linux_dirent of the old call, which has the type behind the name. */
struct dirent_head {
	u64 ino;
	u64 off;
	u16 reclen;
} __attribute__((packed));

struct dents {
	struct dir_emit emit;
	u8 *buf;
	size_t size, used;
	bool old;
	bool full;
};

static bool dents_add(struct dir_emit *e, const char *name, size_t len, u64 ino, u32 type, u64 next_pos)
{
	struct dents *d = container_of(e, struct dents, emit);
	size_t reclen = ALIGN_UP(sizeof(struct dirent_head) + 1 + len + 1, 8);
	struct dirent_head head = { .ino = ino, .off = next_pos, .reclen = (u16)reclen };
	u8 *at = d->buf + d->used;

	if (d->size - d->used < reclen) {
		d->full = true;
		return false;
	}
	memset(at, 0, reclen);
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head + (d->old ? 0 : 1), name, len);
	at[d->old ? reclen - 1 : sizeof head] = (u8)type;
	d->used += reclen;
	return true;
}

static void emit_dots(struct file *f, struct dents *d)
{
	static const char dots[] = "..";

	while (f->pos < DOTS) {
		u64 ino = f->pos ? f->dentry->parent->inode->ino : f->inode->ino;

		if (!d->emit.add(&d->emit, dots, f->pos + 1, ino, DT_DIRECTORY, f->pos + 1))
			return;
		f->pos++;
	}
}

static long read_entries(struct file *f, struct dents *d)
{
	int err = 0;

	emit_dots(f, d);
	if (!d->full && f->pos < OVERLAY_POS) {
		err = f->ops->readdir(f, &f->pos, &d->emit);
		if (!err && !d->full)
			f->pos = OVERLAY_POS;
	}
	if (!err && !d->full && f->pos >= OVERLAY_POS)
		overlay_readdir(f->dentry, OVERLAY_POS, &f->pos, &d->emit);
	if (!d->used)
		return err ? err : d->full ? -EINVAL : 0;
	return (long)d->used;
}

static long getdents(const u64 a[6], bool old)
{
	struct dents d = { .emit.add = dents_add, .size = MIN((u32)a[2], BUFFER_MAX), .old = old };
	struct file *f = fd_get_rw((int)a[0]);
	u64 before;
	long ret;

	if (!f)
		return -EBADF;
	d.buf = kmalloc(BUFFER_MAX);
	if (!f->ops->readdir || !f->dentry) {
		ret = -ENOTDIR;
	} else if (f->dentry->deleted) {
		ret = -ENOENT;
	} else if (!d.buf) {
		ret = -ENOMEM;
	} else {
		before = f->pos;
		ret = read_entries(f, &d);
		if (ret > 0 && copy_to_user(a[1], d.buf, (u64)ret)) {
			f->pos = before;
			ret = -EFAULT;
		}
	}
	kfree(d.buf);
	file_put(f);
	return ret;
}

long sys_getdents(const u64 a[6])
{
	return getdents(a, true);
}

long sys_getdents64(const u64 a[6])
{
	return getdents(a, false);
}

/* getcwd(2): bytes with the NUL. */
long sys_getcwd(const u64 a[6])
{
	char *buf;
	long n;

	if (fs_cwd->deleted)
		return -ENOENT;
	buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	n = dentry_path(fs_cwd, buf, PATH_MAX);
	if (n >= 0)
		n = (u64)n + 1 > a[1] ? -ERANGE : copy_to_user(a[0], buf, (u64)n + 1) ? -EFAULT : n + 1;
	kfree(buf);
	return n;
}

long sys_chdir(const u64 a[6])
{
	char *path;
	long err = path_from_user(a[0], &path);

	if (err)
		return err;
	err = fs_chdir(path);
	kfree(path);
	return err;
}

long sys_fchdir(const u64 a[6])
{
	struct file *f = fd_peek((int)a[0]);
	long err;

	if (!f)
		return -EBADF;
	if (!f->dentry || !S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	err = inode_permission(f->inode, MAY_EXEC);
	if (err)
		return err;
	fs_set_cwd(f->dentry);
	return 0;
}

static long mkdir_at(int dirfd, u64 addr, u32 mode)
{
	char *path;
	long err = path_from_user(addr, &path);

	if (err)
		return err;
	err = create_node(dirfd, path, S_IFDIR | (mode & 01777), 0, NULL);
	kfree(path);
	return err;
}

long sys_mkdir(const u64 a[6])
{
	return mkdir_at(AT_FDCWD, a[0], (u32)a[1]);
}

long sys_mkdirat(const u64 a[6])
{
	return mkdir_at((int)a[0], a[1], (u32)a[2]);
}
