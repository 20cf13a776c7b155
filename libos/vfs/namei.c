/* Path resolution, path_resolution(7). */
#include "fs.h"

#define LINKS_MAX 40u
#define SPLICED_BYTES (2 * PATH_MAX)

int walk_begin(struct walk *w, int dirfd, const char *path)
{
	memset(w, 0, sizeof *w);
	w->path = path;
	if (!*path)
		return -ENOENT;
	if (*path == '/') {
		w->at = dentry_get(fs_root);
	} else if (dirfd == AT_FDCWD) {
		w->at = dentry_get(fs_cwd);
	} else {
		struct file *f = fd_peek(dirfd);

		if (!f)
			return -EBADF;
		if (!f->dentry)
			return -ENOTDIR;
		w->at = dentry_get(f->dentry);
	}
	return 0;
}

void walk_end(struct walk *w)
{
	dentry_put(w->at);
	file_put(w->file);
	kfree(w->owned);
}

static void walk_move(struct walk *w, struct dentry *to)
{
	dentry_put(w->at);
	w->at = to;
}

/* The walk must stand at a directory that may be searched. */
static int may_search(const struct walk *w)
{
	if (!w->at || !w->at->inode || !S_ISDIR(w->at->inode->mode))
		return -ENOTDIR;
	return inode_permission(w->at->inode, MAY_EXEC);
}

/* Continues at the file that a link of /proc/self/fd stands for. */
static int jump(struct walk *w, struct inode *link, const char *rest)
{
	struct file *f;
	int err = link->ops->get_link(link, &f);

	if (err)
		return err;
	file_put(w->file);
	w->file = f;
	if (f->dentry)
		walk_move(w, dentry_get(f->dentry));
	w->path = rest;
	w->kind = LAST_DOT;
	if (*rest) {
		if (!f->dentry)
			return -ENOTDIR;
		file_put(f);
		w->file = NULL;
	}
	return 0;
}

/* Goes on with the target of a symlink that lies in w->at, then with rest. */
static int splice_link(struct walk *w, struct inode *link, const char *rest)
{
	size_t rest_bytes = strlen(rest) + 1;
	char *path;
	long n;

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (link->ops->get_link)
		return jump(w, link, rest);
	if (!link->ops->readlink)
		return -EINVAL;
	path = kmalloc(SPLICED_BYTES);
	if (!path)
		return -ENOMEM;
	n = link->ops->readlink(link, path, PATH_MAX - 1);
	if (n <= 0 || (u64)n + rest_bytes > SPLICED_BYTES) {
		kfree(path);
		return n < 0 ? (int)n : n ? -ENAMETOOLONG : -ENOENT;
	}
	memcpy(path + n, rest, rest_bytes);
	kfree(w->owned);
	w->owned = path;
	w->path = path;
	if (*path == '/')
		walk_move(w, dentry_get(fs_root));
	return 0;
}

/* Steps into a component that is not the last, through symlinks. */
static int step(struct walk *w, const char *name, size_t len, const char *rest)
{
	struct dentry *d;
	int err = dentry_lookup(w->at, name, len, &d);

	if (err)
		return err;
	w->path = rest;
	if (!d->inode) {
		err = -ENOENT;
	} else if (S_ISLNK(d->inode->mode)) {
		err = splice_link(w, d->inode, rest);
	} else {
		walk_move(w, d);
		return 0;
	}
	dentry_put(d);
	return err;
}

static enum last_kind kind_of(const char *name, size_t len)
{
	if (len == 1 && name[0] == '.')
		return LAST_DOT;
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return LAST_DOTDOT;
	return LAST_NAME;
}

int walk_to_parent(struct walk *w)
{
	w->kind = LAST_ROOT;
	for (;;) {
		const char *name = w->path, *end, *next;
		enum last_kind kind;
		int err;

		while (*name == '/')
			name++;
		if (!*name) {
			w->path = name;
			return may_search(w) == -ENOTDIR ? -ENOTDIR : 0;
		}
		err = may_search(w);
		if (err)
			return err;
		end = strchr(name, '/');
		if (!end)
			end = name + strlen(name);
		if (end - name > NAME_MAX)
			return -ENAMETOOLONG;
		for (next = end; *next == '/'; next++)
			;
		kind = kind_of(name, (size_t)(end - name));
		if (!*next) {
			w->kind = kind;
			w->name = name;
			w->len = (size_t)(end - name);
			w->path = end;
			return 0;
		}
		if (kind == LAST_NAME) {
			err = step(w, name, (size_t)(end - name), end);
			if (err)
				return err;
		} else {
			if (kind == LAST_DOTDOT)
				walk_move(w, dentry_get(w->at->parent));
			w->path = end;
		}
	}
}

bool walk_wants_directory(const struct walk *w)
{
	return w->kind != LAST_NAME || *w->path == '/';
}

int walk_follow(struct walk *w, struct inode *link)
{
	int err = splice_link(w, link, w->path);

	return err || w->file ? err : walk_to_parent(w);
}

/* The last component is a name: moves to it, or says which symlink to follow. */
static int last_step(struct walk *w, bool follow, struct dentry **link)
{
	struct dentry *d;
	int err = dentry_lookup(w->at, w->name, w->len, &d);

	*link = NULL;
	if (err)
		return err;
	if (!d->inode)
		err = -ENOENT;
	else if (S_ISLNK(d->inode->mode) && (follow || walk_wants_directory(w)))
		*link = d;
	else if (walk_wants_directory(w) && !S_ISDIR(d->inode->mode))
		err = -ENOTDIR;
	if (err)
		dentry_put(d);
	else if (!*link)
		walk_move(w, d);
	return err;
}

int walk_to_end(struct walk *w, bool follow)
{
	int err = walk_to_parent(w);

	while (!err) {
		struct dentry *link;

		if (w->file)
			return 0;
		if (w->kind == LAST_DOTDOT)
			walk_move(w, dentry_get(w->at->parent));
		if (w->kind != LAST_NAME)
			return 0;
		err = last_step(w, follow, &link);
		if (err || !link)
			return err;
		err = walk_follow(w, link->inode);
		dentry_put(link);
	}
	return err;
}

static int lookup_empty(int dirfd, struct path *out)
{
	if (dirfd == AT_FDCWD) {
		out->dentry = dentry_get(fs_cwd);
		return 0;
	}
	out->file = fd_get(dirfd);
	if (!out->file)
		return -EBADF;
	if (out->file->dentry)
		out->dentry = dentry_get(out->file->dentry);
	return 0;
}

int path_lookup(int dirfd, const char *path, u32 at_flags, struct path *out)
{
	struct walk w;
	int err;

	out->dentry = NULL;
	out->file = NULL;
	if (!*path && (at_flags & AT_EMPTY_PATH))
		return lookup_empty(dirfd, out);
	err = walk_begin(&w, dirfd, path);
	if (!err)
		err = walk_to_end(&w, !(at_flags & AT_SYMLINK_NOFOLLOW));
	if (!err) {
		if (w.file)
			out->file = file_get(w.file);
		if (!w.file || w.file->dentry)
			out->dentry = dentry_get(w.at);
	}
	walk_end(&w);
	return err;
}

int path_from_user(u64 addr, char **out)
{
	char *path = kmalloc(PATH_MAX);
	long n;

	*out = NULL;
	if (!path)
		return -ENOMEM;
	n = strncpy_from_user(path, addr, PATH_MAX);
	if (n < 0) {
		kfree(path);
		return (int)n;
	}
	*out = path;
	return 0;
}

int path_lookup_user(int dirfd, u64 path, u32 at_flags, struct path *out)
{
	char *copy;
	int err = path_from_user(path, &copy);

	if (err)
		return err;
	err = path_lookup(dirfd, copy, at_flags, out);
	kfree(copy);
	return err;
}

void path_put(struct path *p)
{
	dentry_put(p->dentry);
	file_put(p->file);
}

struct inode *path_inode(const struct path *p)
{
	return p->file && p->file->inode ? p->file->inode : p->dentry ? p->dentry->inode : NULL;
}

int path_find_inode(const char *path, struct inode **out)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, path, 0, &p);

	if (err)
		return err;
	*out = path_inode(&p);
	if (*out)
		inode_get(*out);
	else
		err = -ENXIO;
	path_put(&p);
	return err;
}
