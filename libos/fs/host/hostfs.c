/*
 * The host's tree, served file by file over the link (seuss run). Read-only; names and attributes are kept
 * once known.
 */
#include <linux/fs.h>
#include <linux/mman.h>

#include "fs/tree.h"
#include "host/host.h"
#include "host/link.h"
#include "vfs/fs.h"

#define FIRST_ENTRY_POS 2u
#define PIECE_BYTES 16384u

struct host_reply {
	struct link_fs_reply head;
	struct link_fs_stat stat;
};

static const struct inode_ops hostfs_dir_ops, hostfs_file_ops, hostfs_link_ops, hostfs_device_ops,
	hostfs_other_ops;

static const char *path_of(const struct inode *i)
{
	return i->priv;
}

/* One call: bytes of the reply behind its head, or -errno. */
static long call_host(u32 op, u64 arg, const char *path, void *reply, u64 reply_bytes, int *fd)
{
	struct link_fs_call call = { .op = op, .arg = arg };
	u64 bytes = strlen(path);
	struct link_fs_reply *head = reply;
	u8 *request = kmalloc(sizeof call + bytes);
	long n;

	if (!request)
		return -ENOMEM;
	memcpy(request, &call, sizeof call);
	memcpy(request + sizeof call, path, bytes);
	n = link_call(LINK_FS_CALL, request, sizeof call + bytes, reply, reply_bytes, fd);
	kfree(request);
	if (n < 0)
		return n;
	if ((u64)n < sizeof *head || head->error < 0)
		return -EIO;
	return head->error ? -head->error : n - (long)sizeof *head;
}

static void set_attributes(struct inode *i, const struct link_fs_stat *st)
{
	i->mode = st->mode;
	i->nlink = st->nlink;
	i->uid = st->uid;
	i->gid = st->gid;
	i->rdev = st->rdev;
	i->size = st->size;
	i->atime[0] = i->mtime[0] = i->ctime[0] = (s64)st->mtime_s;
	i->atime[1] = i->mtime[1] = i->ctime[1] = st->mtime_ns;
}

static const struct inode_ops *ops_for(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &hostfs_dir_ops;
	case S_IFREG:
		return &hostfs_file_ops;
	case S_IFLNK:
		return &hostfs_link_ops;
	case S_IFCHR:
		return &hostfs_device_ops;
	default:
		return &hostfs_other_ops;
	}
}

/* Takes over path. */
static int inode_for(struct superblock *sb, char *path, struct inode **out)
{
	struct host_reply r;
	long n = call_host(LINK_FS_STAT, 0, path, &r, sizeof r, NULL);
	struct inode *i = NULL;

	if (n >= 0 && n != (long)sizeof r.stat)
		n = -EIO;
	if (n >= 0) {
		i = inode_new(sb, ops_for(r.stat.mode), r.stat.ino, r.stat.mode);
		n = i ? 0 : -ENOMEM;
	}
	if (n < 0) {
		kfree(path);
		return (int)n;
	}
	set_attributes(i, &r.stat);
	i->priv = path;
	*out = i;
	return 0;
}

static void hostfs_release(struct inode *i)
{
	kfree(i->priv);
}

static int hostfs_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
	size_t dir_len = strlen(path_of(dir));
	char *path;

	if (dir_len == 1)
		dir_len = 0; /* the root's slash is the one that follows */
	if (dir_len + 1 + len >= PATH_MAX)
		return -ENAMETOOLONG;
	path = kmalloc(dir_len + 1 + len + 1);
	if (!path)
		return -ENOMEM;
	memcpy(path, path_of(dir), dir_len);
	path[dir_len] = '/';
	memcpy(path + dir_len + 1, name, len);
	path[dir_len + 1 + len] = 0;
	return inode_for(dir->sb, path, out);
}

static long hostfs_readlink(struct inode *i, char *buf, size_t size)
{
	u8 *reply = kmalloc(sizeof(struct link_fs_reply) + PATH_MAX);
	long n;

	if (!reply)
		return -ENOMEM;
	n = call_host(LINK_FS_READLINK, 0, path_of(i), reply, sizeof(struct link_fs_reply) + PATH_MAX, NULL);
	if (n > 0) {
		n = MIN(n, (long)size);
		memcpy(buf, reply + sizeof(struct link_fs_reply), (u64)n);
	}
	kfree(reply);
	return n;
}

static int host_fd(const struct file *f)
{
	return (int)(long)f->priv;
}

/* In pieces through our memory: the host would take a guest address as it is. */
static ssize_t hostfs_read(struct file *f, struct uio *u, u64 *pos)
{
	u64 size = MIN(u->left, PIECE_BYTES), done = 0;
	u8 *piece = size ? kmalloc(size) : NULL;
	long n = 0;

	if (!size)
		return 0;
	if (!piece)
		return -ENOMEM;
	while (u->left) {
		n = host_pread(host_fd(f), piece, MIN(u->left, size), *pos);
		if (n > 0 && uio_write(u, piece, (u64)n))
			n = -EFAULT;
		if (n <= 0)
			break;
		*pos += (u64)n;
		done += (u64)n;
	}
	kfree(piece);
	return done ? (ssize_t)done : n;
}

static long hostfs_mmap(struct file *f, struct vma *v)
{
	long ret;

	if ((v->flags & MAP_TYPE) != MAP_PRIVATE && (v->prot & PROT_WRITE))
		return -EACCES;
	ret = host_mmap(v->start, v->end - v->start, (int)v->prot, 0, host_fd(f), v->offset);
	return ret < 0 ? ret : (long)v->start;
}

static void hostfs_close(struct file *f)
{
	host_close(host_fd(f));
}

static const struct file_ops hostfs_file_file_ops = {
	.read = hostfs_read,
	.lseek = file_lseek,
	.mmap = hostfs_mmap,
	.release = hostfs_close,
};

static int hostfs_open_file(struct inode *i, struct file *f)
{
	struct host_reply r;
	int fd;
	long n = call_host(LINK_FS_OPEN, 0, path_of(i), &r, sizeof r, &fd);

	if (n >= 0 && (fd < 0 || n != (long)sizeof r.stat))
		n = -EIO;
	if (n < 0) {
		if (n == -EIO && fd >= 0)
			host_close(fd);
		return (int)n;
	}
	set_attributes(i, &r.stat);
	f->ops = &hostfs_file_file_ops;
	f->priv = (void *)(long)fd;
	return 0;
}

static bool is_dots(const char *name, u32 len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* Emits the records of one reply: 1 to go on, 0 when the reader has no more room, or -EIO. */
static int emit_records(const u8 *at, u64 bytes, u64 *pos, struct dir_emit *emit)
{
	while (bytes >= sizeof(struct link_fs_dirent)) {
		const struct link_fs_dirent *d = (const void *)at;
		const char *name = (const char *)(d + 1);
		u64 record = sizeof *d + ALIGN_UP(d->name_len, 8);

		if (!d->name_len || d->name_len > NAME_MAX || record > bytes)
			return -EIO;
		if (!is_dots(name, d->name_len) &&
		    !emit->add(emit, name, d->name_len, d->ino, d->type, *pos + 1))
			return 0;
		(*pos)++;
		at += record;
		bytes -= record;
	}
	return bytes ? -EIO : 1;
}

static int hostfs_readdir(struct file *f, u64 *pos, struct dir_emit *emit)
{
	u8 *reply = kmalloc(LINK_PAYLOAD_MAX);
	int ret = 1;

	if (!reply)
		return -ENOMEM;
	while (ret > 0) {
		long n = call_host(LINK_FS_READDIR, *pos - FIRST_ENTRY_POS, path_of(f->inode), reply,
				   LINK_PAYLOAD_MAX, NULL);

		if (n <= 0)
			ret = (int)n;
		else
			ret = emit_records(reply + sizeof(struct link_fs_reply), (u64)n, pos, emit);
	}
	kfree(reply);
	return ret;
}

static const struct file_ops hostfs_dir_file_ops = {
	.read = file_no_read_dir,
	.lseek = file_lseek_cursor,
	.readdir = hostfs_readdir,
};

static int hostfs_open_dir(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &hostfs_dir_file_ops;
	return 0;
}

static const struct inode_ops hostfs_dir_ops = {
	.lookup = hostfs_lookup,
	.open = hostfs_open_dir,
	.release = hostfs_release,
};
static const struct inode_ops hostfs_file_ops = { .open = hostfs_open_file, .release = hostfs_release };
static const struct inode_ops hostfs_link_ops = { .readlink = hostfs_readlink, .release = hostfs_release };
static const struct inode_ops hostfs_device_ops = { .open = special_open, .release = hostfs_release };
static const struct inode_ops hostfs_other_ops = { .release = hostfs_release };

/* The host does not tell: full, and of the least size. */
static u64 hostfs_usage(struct superblock *sb, u64 *limit)
{
	(void)sb;
	*limit = PAGE_SIZE;
	return PAGE_SIZE;
}

struct superblock *hostfs_open(void)
{
	struct superblock *sb = superblock_new("hostfs", HOSTFS_MAGIC, true);
	char *path = kmalloc(2);

	if (!sb || !path) {
		kfree(path);
		kfree(sb);
		return NULL;
	}
	memcpy(path, "/", 2);
	sb->usage = hostfs_usage;
	if (inode_for(sb, path, &sb->root)) {
		kfree(sb);
		return NULL;
	}
	return sb;
}
