/* open(2): from a path to an open file. */
#include "fs.h"

/* What F_GETFL shows and operations look at; the others act at the open only. */
#define FLAGS_KEPT (~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC))
#define FLAGS_OF_O_PATH ((u32)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
#define TMPFILE_BIT ((u32)(O_TMPFILE & ~O_DIRECTORY))

static int (*special_opens[DT_OF_MODE(S_IFMT) + 1])(struct inode *i, struct file *f);

void special_register(u32 type, int (*open)(struct inode *i, struct file *f))
{
	special_opens[DT_OF_MODE(type)] = open;
}

int special_open(struct inode *i, struct file *f)
{
	int (*open)(struct inode *i, struct file *f) = special_opens[DT_OF_MODE(i->mode)];

	return open ? open(i, f) : -ENXIO;
}

static u32 wanted_access(u32 flags)
{
	static const u8 may[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	u32 want = may[flags & O_ACCMODE];

	return flags & O_TRUNC ? want | MAY_WRITE : want;
}

static int open_allowed(const struct inode *i, u32 flags)
{
	if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (S_ISLNK(i->mode))
		return flags & O_PATH ? 0 : -ELOOP;
	if (flags & O_PATH)
		return 0;
	if (S_ISDIR(i->mode) && (wanted_access(flags) & MAY_WRITE))
		return -EISDIR;
	return inode_permission(i, wanted_access(flags));
}

static int open_inode(struct dentry *d, struct inode *i, u32 flags, struct file **out)
{
	struct file *f = file_new(&path_file_ops, (flags & FLAGS_KEPT) | FILE_LARGE, NULL);
	int err = 0;

	if (!f)
		return -ENOMEM;
	if (flags & O_PATH)
		f->flags = flags & (FLAGS_OF_O_PATH & ~(u32)O_CLOEXEC);
	f->dentry = d ? dentry_get(d) : NULL;
	f->inode = inode_get(i);
	if (!(flags & O_PATH))
		err = i->ops->open ? i->ops->open(i, f) : -ENXIO;
	if (!err && (flags & O_TRUNC) && S_ISREG(i->mode))
		err = i->ops->truncate ? i->ops->truncate(i, 0) : -EINVAL;
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

int path_open_at(struct path *p, u32 flags, struct file **out)
{
	struct inode *i = path_inode(p);
	int err;

	/* A pipe or socket behind a link of /proc/self/fd: the same description again. */
	if (!i || (p->file && !p->dentry && !i->ops->open)) {
		*out = file_get(p->file);
		return 0;
	}
	err = open_allowed(i, flags);
	return err ? err : open_inode(p->dentry, i, flags, out);
}

static int open_make_nameless(struct superblock *sb, u32 mode, struct inode **out)
{
	return sb->nameless ? sb->nameless(sb, mode, out) : -EOPNOTSUPP;
}

static int open_nameless(int dirfd, const char *path, u32 flags, u32 mode, struct file **out)
{
	struct dentry *d;
	struct inode *i;
	struct path p;
	char name[24];
	int err, len;

	if (!(wanted_access(flags) & MAY_WRITE))
		return -EINVAL;
	err = path_lookup(dirfd, path, 0, &p);
	if (err)
		return err;
	if (!p.dentry || !S_ISDIR(p.dentry->inode->mode)) {
		err = -ENOTDIR;
	} else {
		err = inode_permission(p.dentry->inode, MAY_WRITE | MAY_EXEC);
		if (!err)
			err = open_make_nameless(p.dentry->inode->sb, mode & ~fd_umask & 07777, &i);
	}
	if (!err) {
		len = snprintf(name, sizeof name, "#%lu", i->ino);
		d = dentry_new(p.dentry, name, (size_t)len, inode_get(i));
		if (d) {
			d->deleted = true;
			err = open_inode(d, i, flags & ~(u32)O_TMPFILE, out);
			dentry_put(d);
		} else {
			err = -ENOMEM;
		}
		inode_put(i);
	}
	path_put(&p);
	return err;
}

static int may_create_in(const struct dentry *dir)
{
	if (dir->inode->sb->read_only)
		return -EROFS;
	/* A tree that makes its own names, /proc: others are not merely forbidden, they cannot be. */
	if (dir->deleted || !dir->inode->ops->create)
		return -ENOENT;
	return inode_permission(dir->inode, MAY_WRITE | MAY_EXEC);
}

/* Makes the regular file that d names and opens it: no permission of its own mode holds yet. */
static int open_created(struct walk *w, struct dentry *d, u32 flags, u32 mode, struct file **out)
{
	struct inode *i;
	int err = may_create_in(w->at);

	if (!err)
		err = w->at->inode->ops->create(w->at->inode, w->name, w->len,
						S_IFREG | (mode & ~fd_umask & 07777), 0, &i);
	if (err)
		return err;
	dentry_instantiate(d, i);
	return open_inode(d, i, flags & ~(u32)O_TRUNC, out);
}

/* The last component of a path opened with O_CREAT; *link is set when it is a symlink to follow. */
static int open_last(struct walk *w, u32 flags, u32 mode, struct dentry **link, struct file **out)
{
	struct path p = { 0 };
	int err;

	*link = NULL;
	if (w->kind != LAST_NAME)
		return flags & O_EXCL ? -EEXIST : -EISDIR;
	if (walk_wants_directory(w))
		return -EISDIR;
	err = dentry_lookup(w->at, w->name, w->len, &p.dentry);
	if (err)
		return err;
	if (!p.dentry->inode) {
		err = open_created(w, p.dentry, flags, mode, out);
	} else if (flags & O_EXCL) {
		err = -EEXIST;
	} else if (S_ISLNK(p.dentry->inode->mode) && !(flags & O_NOFOLLOW)) {
		*link = dentry_get(p.dentry);
	} else if (S_ISDIR(p.dentry->inode->mode)) {
		err = -EISDIR;
	} else {
		err = path_open_at(&p, flags, out);
	}
	path_put(&p);
	return err;
}

static int open_create(int dirfd, const char *path, u32 flags, u32 mode, struct file **out)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, path);

	if (!err)
		err = walk_to_parent(&w);
	while (!err) {
		struct dentry *link;

		if (w.file) {
			struct path p = { .dentry = w.file->dentry, .file = w.file };

			err = path_open_at(&p, flags, out);
			break;
		}
		err = open_last(&w, flags, mode, &link, out);
		if (err || !link)
			break;
		err = walk_follow(&w, link->inode);
		dentry_put(link);
	}
	walk_end(&w);
	return err;
}

int path_open(int dirfd, const char *path, u32 flags, u32 mode, struct file **out)
{
	struct path p;
	int err;

	if (flags & O_PATH)
		flags &= FLAGS_OF_O_PATH;
	if (flags & TMPFILE_BIT)
		return flags & O_DIRECTORY && !(flags & O_CREAT)
			       ? open_nameless(dirfd, path, flags, mode, out)
			       : -EINVAL;
	if (flags & O_CREAT)
		return flags & O_DIRECTORY ? -EINVAL : open_create(dirfd, path, flags, mode, out);
	err = path_lookup(dirfd, path, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &p);
	if (err)
		return err;
	err = path_open_at(&p, flags, out);
	path_put(&p);
	return err;
}

long sys_open_kernel(const char *path, u32 flags)
{
	struct file *f;
	int err = path_open(AT_FDCWD, path, flags, 0, &f);

	return err ? err : (long)f;
}

int create_begin(struct walk *w, int dirfd, const char *path, bool directory, struct dentry **out)
{
	int err = walk_begin(w, dirfd, path);

	if (!err)
		err = walk_to_parent(w);
	if (err)
		return err;
	if (w->kind != LAST_NAME)
		return -EEXIST;
	err = dentry_lookup(w->at, w->name, w->len, out);
	if (err)
		return err;
	if ((*out)->inode)
		err = -EEXIST;
	else if (walk_wants_directory(w) && !directory)
		err = -ENOENT;
	else
		err = may_create_in(w->at);
	if (err)
		dentry_put(*out);
	return err;
}

int create_node(int dirfd, const char *path, u32 mode, u64 rdev, struct inode **out)
{
	struct dentry *d;
	struct inode *i;
	struct walk w;
	int err = create_begin(&w, dirfd, path, S_ISDIR(mode), &d);

	if (!err) {
		mode &= ~fd_umask | S_IFMT;
		err = w.at->inode->ops->create(w.at->inode, w.name, w.len, mode, rdev, &i);
		if (!err) {
			if (out)
				*out = inode_get(i);
			dentry_instantiate(d, i);
		}
		dentry_put(d);
	}
	walk_end(&w);
	return err;
}

int path_create_socket(const char *path, u32 mode, struct inode **out)
{
	int err = create_node(AT_FDCWD, path, S_IFSOCK | (mode & 0777), 0, out);

	return err == -EEXIST ? -EADDRINUSE : err;
}
