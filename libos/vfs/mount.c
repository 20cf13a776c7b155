/* The mounts of a UC. A mount point needs no directory below it: its name then lies over the parent. */
#include "abi/layout.h"
#include "fs.h"
#include "host/host.h"
#include "include/upcalls.h"

#define OVERLAY_MAGIC 0x794c7630u
#define FIRST_DEV 0x16u

struct list_node mounts = { &mounts, &mounts };
struct dentry *fs_cwd;
static struct superblock *overlay_sb; /* directories that only lead to mount points */
static u32 next_minor = FIRST_DEV;

struct superblock *superblock_new(const char *type, u32 magic, bool read_only)
{
	struct superblock *sb = kzalloc(sizeof *sb);

	if (!sb)
		return NULL;
	sb->type = type;
	sb->magic = magic;
	sb->read_only = read_only;
	sb->dev = (u32)make_dev(0, next_minor++);
	return sb;
}

static int overlay_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
	(void)dir;
	(void)name;
	(void)len;
	(void)out;
	return -ENOENT;
}

static int overlay_emit_nothing(struct file *f, u64 *pos, struct dir_emit *emit)
{
	(void)f;
	(void)pos;
	(void)emit;
	return 0;
}

static const struct file_ops overlay_file_ops = {
	.read = file_no_read_dir,
	.lseek = file_lseek_cursor,
	.readdir = overlay_emit_nothing,
};

static int overlay_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &overlay_file_ops;
	return 0;
}

static const struct inode_ops overlay_dir_ops = { .lookup = overlay_lookup, .open = overlay_open };

static struct inode *overlay_directory(void)
{
	static u64 next_ino = 1;
	struct inode *i;

	if (!overlay_sb)
		overlay_sb = superblock_new("overlay", OVERLAY_MAGIC, true);
	if (!overlay_sb)
		return NULL;
	i = inode_new(overlay_sb, &overlay_dir_ops, next_ino++, S_IFDIR | 0755);
	if (i) {
		i->nlink = 2;
		inode_touch(i);
	}
	return i;
}

/* Puts inode (whose reference it takes) at a name of parent for good, whatever was there. */
static struct dentry *pin(struct dentry *parent, const char *name, size_t len, struct inode *inode)
{
	struct dentry *old, *d;

	if (dentry_lookup(parent, name, len, &old)) {
		inode_put(inode);
		return NULL;
	}
	d = dentry_new(parent, name, len, inode);
	if (d) {
		d->overlay = !old->inode || old->overlay;
		dentry_delete(old);
		dentry_hash(d);
	}
	dentry_put(old);
	return d;
}

/* The directory that the first len bytes of path name, made where there is none; counted. */
static int mount_parent(const char *path, size_t len, struct dentry **out)
{
	struct dentry *at = dentry_get(fs_root);

	for (size_t pos = 0; pos < len;) {
		size_t n = 0;
		struct dentry *d;
		int err;

		while (pos < len && path[pos] == '/')
			pos++;
		while (pos + n < len && path[pos + n] != '/')
			n++;
		if (!n)
			break;
		err = dentry_lookup(at, path + pos, n, &d);
		if (!err && !d->inode) {
			struct inode *dir = overlay_directory();
			struct dentry *made = dir ? pin(at, path + pos, n, dir) : NULL;

			dentry_put(d);
			err = made ? 0 : -ENOMEM;
			d = made ? dentry_get(made) : NULL;
		} else if (!err && !S_ISDIR(d->inode->mode)) {
			dentry_put(d);
			err = -ENOTDIR;
		}
		dentry_put(at);
		if (err)
			return err;
		at = d;
		pos += n;
	}
	*out = at;
	return 0;
}

int mount_add(const char *path, struct superblock *sb)
{
	static int next_id = 1;
	struct mount *m;
	struct dentry *parent;
	size_t end = strlen(path), start;
	int err;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	if (path[0] != '/' || start == end || end - start > NAME_MAX)
		return -EINVAL;
	m = kzalloc(sizeof *m);
	if (!m)
		return -ENOMEM;
	err = mount_parent(path, start, &parent);
	if (err) {
		kfree(m);
		return err;
	}
	m->dentry = pin(parent, path + start, end - start, inode_get(sb->root));
	dentry_put(parent);
	if (!m->dentry) {
		kfree(m);
		return -ENOMEM;
	}
	m->dentry->mount = true;
	m->sb = sb;
	m->id = ++next_id;
	list_add_tail(&m->node, &mounts);
	return 0;
}

bool overlay_readdir(struct dentry *dir, u64 base, u64 *pos, struct dir_emit *emit)
{
	u64 index = 0;

	list_for_each(n, &dir->children) {
		struct dentry *d = list_entry(n, struct dentry, sibling);

		if (!d->overlay || !d->inode || index++ < *pos - base)
			continue;
		if (!emit->add(emit, d->name, d->len, d->inode->ino, DT_OF_MODE(d->inode->mode),
			       base + index))
			return false;
		*pos = base + index;
	}
	return true;
}

void mount_root(struct superblock *sb)
{
	struct mount *m = kzalloc(sizeof *m);

	fs_root = sb ? dentry_new(NULL, "", 0, inode_get(sb->root)) : NULL;
	if (!m || !fs_root)
		panic("cannot mount the root file system");
	fs_root->mount = true;
	fs_cwd = dentry_get(fs_root);
	m->dentry = fs_root;
	m->sb = sb;
	m->id = 1;
	list_add_tail(&m->node, &mounts);
}

void fs_set_cwd(struct dentry *d)
{
	proc_note_exe(); /* its path may be relative to where we were */
	dentry_get(d);
	dentry_put(fs_cwd);
	fs_cwd = d;
}

int fs_chdir(const char *path)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, path, 0, &p);

	if (err)
		return err;
	if (!p.dentry || !S_ISDIR(p.dentry->inode->mode))
		err = -ENOTDIR;
	else
		err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!err)
		fs_set_cwd(p.dentry);
	path_put(&p);
	return err;
}
