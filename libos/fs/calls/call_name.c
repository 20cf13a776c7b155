/* Names: unlink(2), rmdir(2), link(2), symlink(2), mknod(2). rename(2) has a file of its own. */
#include "calls.h"

/* The walk to a name that is to go: *out counted and positive. */
static int remove_begin(struct walk *w, struct dentry **out)
{
	struct inode *dir = w->at->inode;
	int err = dir->sb->read_only ? -EROFS : dentry_lookup(w->at, w->name, w->len, out);

	if (err)
		return err;
	if (!(*out)->inode) {
		err = -ENOENT;
	} else {
		err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
		if (!err)
			err = may_remove_from(dir, (*out)->inode);
	}
	if (err)
		dentry_put(*out);
	return err;
}

int may_remove_from(const struct inode *dir, const struct inode *i)
{
	if ((dir->mode & S_ISVTX) && dir->sb->check_modes && dir->uid != UC_UID && i->uid != UC_UID)
		return -EPERM;
	return 0;
}

static int unlink_last(struct walk *w)
{
	struct dentry *d;
	int err;

	if (w->kind != LAST_NAME)
		return -EISDIR;
	err = remove_begin(w, &d);
	if (err)
		return err;
	if (S_ISDIR(d->inode->mode))
		err = -EISDIR;
	else if (walk_wants_directory(w))
		err = -ENOTDIR;
	else if (d->mount)
		err = -EBUSY;
	else
		err = w->at->inode->ops->unlink ? w->at->inode->ops->unlink(w->at->inode, w->name, w->len)
						: -EPERM;
	if (!err)
		dentry_delete(d);
	dentry_put(d);
	return err;
}

static int rmdir_last(struct walk *w)
{
	struct dentry *d;
	int err;

	if (w->kind != LAST_NAME)
		return w->kind == LAST_DOT ? -EINVAL : w->kind == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
	err = remove_begin(w, &d);
	if (err)
		return err;
	if (!S_ISDIR(d->inode->mode))
		err = -ENOTDIR;
	else if (d->mount)
		err = -EBUSY;
	else
		err = w->at->inode->ops->rmdir ? w->at->inode->ops->rmdir(w->at->inode, w->name, w->len)
					       : -EPERM;
	if (!err)
		dentry_delete(d);
	dentry_put(d);
	return err;
}

static long remove_at(int dirfd, u64 addr, bool directory)
{
	struct walk w;
	char *path;
	long err = path_from_user(addr, &path);

	if (err)
		return err;
	err = walk_begin(&w, dirfd, path);
	if (!err)
		err = walk_to_parent(&w);
	if (!err)
		err = directory ? rmdir_last(&w) : unlink_last(&w);
	walk_end(&w);
	kfree(path);
	return err;
}

long sys_unlink(const u64 a[6])
{
	return remove_at(AT_FDCWD, a[0], false);
}

long sys_rmdir(const u64 a[6])
{
	return remove_at(AT_FDCWD, a[0], true);
}

long sys_unlinkat(const u64 a[6])
{
	if ((u32)a[2] & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at((int)a[0], a[1], (u32)a[2] & AT_REMOVEDIR);
}

static int link_inode(struct inode *i, int dirfd, const char *path)
{
	struct dentry *d;
	struct walk w;
	int err = create_begin(&w, dirfd, path, false, &d);

	if (!err) {
		struct inode *dir = w.at->inode;

		if (dir->sb != i->sb)
			err = -EXDEV;
		else if (S_ISDIR(i->mode) || !dir->ops->link)
			err = -EPERM;
		else
			err = dir->ops->link(dir, w.name, w.len, i);
		if (!err)
			dentry_instantiate(d, inode_get(i));
		dentry_put(d);
	}
	walk_end(&w);
	return err;
}

static long link_at(int old_dirfd, u64 old, int dirfd, u64 addr, u32 flags)
{
	u32 at_flags = (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
	struct inode *i;
	struct path p;
	char *path;
	long err;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(old_dirfd, old, at_flags, &p);
	if (err)
		return err;
	err = path_from_user(addr, &path);
	if (!err) {
		i = path_inode(&p);
		err = i ? link_inode(i, dirfd, path) : -EXDEV;
		kfree(path);
	}
	path_put(&p);
	return err;
}

long sys_link(const u64 a[6])
{
	return link_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long sys_linkat(const u64 a[6])
{
	return link_at((int)a[0], a[1], (int)a[2], a[3], (u32)a[4]);
}

static int symlink_kernel(const char *target, int dirfd, const char *path)
{
	struct dentry *d;
	struct inode *i;
	struct walk w;
	int err = *target ? create_begin(&w, dirfd, path, false, &d) : -ENOENT;

	if (!*target)
		return err;
	if (!err) {
		struct inode *dir = w.at->inode;

		err = dir->ops->symlink ? dir->ops->symlink(dir, w.name, w.len, target, &i) : -EPERM;
		if (!err)
			dentry_instantiate(d, i);
		dentry_put(d);
	}
	walk_end(&w);
	return err;
}

static long symlink_at(u64 target_addr, int dirfd, u64 addr)
{
	char *target, *path;
	long err = path_from_user(target_addr, &target);

	if (err)
		return err;
	err = path_from_user(addr, &path);
	if (!err)
		err = symlink_kernel(target, dirfd, path);
	kfree(path);
	kfree(target);
	return err;
}

long sys_symlink(const u64 a[6])
{
	return symlink_at(a[0], AT_FDCWD, a[1]);
}

long sys_symlinkat(const u64 a[6])
{
	return symlink_at(a[0], (int)a[1], a[2]);
}

/* mknod(2): devices are not for an ordinary user. */
static long mknod_at(int dirfd, u64 addr, u32 mode)
{
	u32 type = mode & S_IFMT;
	char *path;
	long err;

	if (type == S_IFCHR || type == S_IFBLK || type == S_IFDIR)
		return -EPERM;
	if (type && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	err = path_from_user(addr, &path);
	if (err)
		return err;
	err = create_node(dirfd, path, (type ? type : S_IFREG) | (mode & 07777), 0, NULL);
	kfree(path);
	return err;
}

long sys_mknod(const u64 a[6])
{
	return mknod_at(AT_FDCWD, a[0], (u32)a[1]);
}

long sys_mknodat(const u64 a[6])
{
	return mknod_at((int)a[0], a[1], (u32)a[2]);
}
