/* rename(2), renameat2(2). */
#include <linux/fs.h>

#include "calls.h"

/* Both walks stand at the parents: what Linux refuses before it looks at the names. */
static int check_parents(const struct walk *from, const struct walk *to, u32 flags)
{
	const struct inode *a = from->at->inode, *b = to->at->inode;
	int err;

	if (from->kind != LAST_NAME)
		return -EBUSY;
	if (to->kind != LAST_NAME)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (a->sb != b->sb)
		return -EXDEV;
	if (a->sb->read_only)
		return -EROFS;
	if (!a->ops->rename)
		return -EPERM;
	err = inode_permission(a, MAY_WRITE | MAY_EXEC);
	return err ? err : inode_permission(b, MAY_WRITE | MAY_EXEC);
}

/* old must exist; new may be negative. */
static int check_names(const struct walk *from, const struct dentry *old, const struct walk *to,
		       const struct dentry *new, u32 flags)
{
	bool exchange = flags & RENAME_EXCHANGE;
	int err;

	if (!old->inode)
		return -ENOENT;
	if (new->inode && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!new->inode && exchange)
		return -ENOENT;
	if (!S_ISDIR(old->inode->mode) &&
	    (walk_wants_directory(from) || (!exchange && walk_wants_directory(to))))
		return -ENOTDIR;
	if (exchange && walk_wants_directory(to) && !S_ISDIR(new->inode->mode))
		return -ENOTDIR;
	if (dentry_is_below(to->at, old))
		return -EINVAL;
	if (new->inode && dentry_is_below(from->at, new))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (old->mount || new->mount)
		return -EBUSY;
	if (to->at->deleted)
		return -ENOENT;
	err = may_remove_from(from->at->inode, old->inode);
	return err || !new->inode ? err : may_remove_from(to->at->inode, new->inode);
}

static int rename_last(struct walk *from, struct walk *to, u32 flags)
{
	struct dentry *old, *new;
	int err = check_parents(from, to, flags);

	if (err)
		return err;
	err = dentry_lookup(from->at, from->name, from->len, &old);
	if (err)
		return err;
	err = dentry_lookup(to->at, to->name, to->len, &new);
	if (err) {
		dentry_put(old);
		return err;
	}
	err = check_names(from, old, to, new, flags);
	/* Two names of one file: both stay, as rename(2) says. */
	if (!err && old->inode != new->inode) {
		err = from->at->inode->ops->rename(from->at->inode, from->name, from->len, to->at->inode,
						   to->name, to->len, flags);
		if (!err)
			dentry_move(old, new, flags & RENAME_EXCHANGE);
	}
	dentry_put(new);
	dentry_put(old);
	return err;
}

static int rename_paths(int from_fd, const char *from_path, int to_fd, const char *to_path, u32 flags)
{
	struct walk from, to;
	int err = walk_begin(&from, from_fd, from_path);

	if (!err)
		err = walk_to_parent(&from);
	if (!err) {
		err = walk_begin(&to, to_fd, to_path);
		if (!err)
			err = walk_to_parent(&to);
		if (!err)
			err = rename_last(&from, &to, flags);
		walk_end(&to);
	}
	walk_end(&from);
	return err;
}

static long rename_at(int from_fd, u64 from, int to_fd, u64 to, u32 flags)
{
	char *from_path, *to_path;
	long err;

	if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = path_from_user(from, &from_path);
	if (err)
		return err;
	err = path_from_user(to, &to_path);
	if (!err)
		err = rename_paths(from_fd, from_path, to_fd, to_path, flags);
	kfree(to_path);
	kfree(from_path);
	return err;
}

long sys_rename(const u64 a[6])
{
	return rename_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long sys_renameat(const u64 a[6])
{
	return rename_at((int)a[0], a[1], (int)a[2], a[3], 0);
}

long sys_renameat2(const u64 a[6])
{
	return rename_at((int)a[0], a[1], (int)a[2], a[3], (u32)a[4]);
}
