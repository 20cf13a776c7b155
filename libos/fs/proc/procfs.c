/* /proc and /sys as trees of constant entries. */
#include "procfs.h"

#define FIRST_TEXT 1024u
#define TEXT_MAX (8u << 20)
#define STORE_MAX 4096u
#define LINE_MAX_BYTES 512
#define FIRST_ENTRY_POS 2u
/* Cursors from here on are numbers. */
#define NUMBER_POS 0x10000ull

/* inode->priv */
struct proc_node {
	const struct proc_entry *entry;
	int id;
};

static const struct inode_ops dir_ops, file_ops_of_inode, link_ops, file_link_ops;

static bool text_room(struct proc_text *t, size_t bytes)
{
	size_t size = t->size ? t->size : FIRST_TEXT;
	char *bigger;

	while (size < t->len + bytes)
		size *= 2;
	if (size == t->size)
		return true;
	bigger = size > TEXT_MAX ? NULL : krealloc(t->buf, size);
	if (!bigger) {
		t->failed = true;
		return false;
	}
	t->buf = bigger;
	t->size = size;
	return true;
}

void text_add(struct proc_text *t, const void *data, size_t bytes)
{
	if (t->failed || !text_room(t, bytes))
		return;
	memcpy(t->buf + t->len, data, bytes);
	t->len += bytes;
}

void text_printf(struct proc_text *t, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	text_add(t, line, (size_t)MIN(n, (int)sizeof line - 1));
}

static struct proc_node *node_of(const struct inode *i)
{
	return i->priv;
}

static u32 mode_of(const struct proc_entry *e)
{
	if (e->children || e->numbers)
		return S_IFDIR | (e->mode ? e->mode : 0555);
	if (e->link)
		return S_IFLNK | 0777;
	return S_IFREG | (e->mode ? e->mode : 0444);
}

static const struct inode_ops *ops_of(const struct proc_entry *e)
{
	if (e->children || e->numbers)
		return &dir_ops;
	if (e->link)
		return e->file ? &file_link_ops : &link_ops;
	return &file_ops_of_inode;
}

/* Steady for an entry and its number, which is all that one is known by. */
static u64 ino_of(const struct proc_entry *e, int id)
{
	return ((u64)e & 0xffffffff) << 24 | (u32)id % 0xffffff;
}

/* What lies below a process's directory is the process's, the rest is root's. */
static struct inode *proc_inode(struct superblock *sb, const struct proc_entry *e, int id, bool own)
{
	struct proc_node *node = kmalloc(sizeof *node);
	struct inode *i = node ? inode_new(sb, ops_of(e), ino_of(e, id), mode_of(e)) : NULL;

	if (!i) {
		kfree(node);
		return NULL;
	}
	node->entry = e;
	node->id = id;
	i->priv = node;
	i->uid = own ? UC_UID : 0;
	i->gid = own ? UC_GID : 0;
	if (S_ISDIR(i->mode))
		i->nlink = 2;
	inode_touch(i);
	time_now(i->atime);
	return i;
}

static void proc_release(struct inode *i)
{
	kfree(i->priv);
}

/* A decimal number without sign or leading zero, or -1. */
static int parse_number(const char *name, size_t len)
{
	s64 n = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return -1;
	for (size_t k = 0; k < len; k++) {
		if (name[k] < '0' || name[k] > '9')
			return -1;
		n = n * 10 + (name[k] - '0');
	}
	return (int)n;
}

static int proc_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
	const struct proc_node *node = node_of(dir);
	const struct proc_numbers *numbers = node->entry->numbers;
	int number = numbers ? parse_number(name, len) : -1;

	for (const struct proc_entry *e = node->entry->children; e && e->name; e++) {
		if (strlen(e->name) == len && !memcmp(e->name, name, len)) {
			*out = proc_inode(dir->sb, e, node->id, dir->uid);
			return *out ? 0 : -ENOMEM;
		}
	}
	if (number < 0 || numbers->next(number) != number)
		return -ENOENT;
	*out = proc_inode(dir->sb, numbers->entry, number, true);
	return *out ? 0 : -ENOMEM;
}

static bool emit_numbers(const struct proc_numbers *numbers, u64 *pos, struct dir_emit *emit)
{
	int number = numbers->next((int)(*pos - NUMBER_POS));

	for (; number >= 0; number = numbers->next(number + 1)) {
		char name[16];
		int len = snprintf(name, sizeof name, "%d", number);
		u64 next = NUMBER_POS + (u64)number + 1;

		if (!emit->add(emit, name, (size_t)len, ino_of(numbers->entry, number),
			       DT_OF_MODE(mode_of(numbers->entry)), next))
			return false;
		*pos = next;
	}
	return true;
}

static int proc_readdir(struct file *f, u64 *pos, struct dir_emit *emit)
{
	const struct proc_node *node = node_of(f->inode);
	u64 index = FIRST_ENTRY_POS;

	for (const struct proc_entry *e = node->entry->children; e && e->name; e++, index++) {
		if (index < *pos)
			continue;
		if (!emit->add(emit, e->name, strlen(e->name), ino_of(e, node->id), DT_OF_MODE(mode_of(e)),
			       index + 1))
			return 0;
		*pos = index + 1;
	}
	if (!node->entry->numbers || *pos > NUMBER_POS + INT32_MAX)
		return 0;
	*pos = MAX(*pos, NUMBER_POS);
	emit_numbers(node->entry->numbers, pos, emit);
	return 0;
}

/* The text is made anew by each read from the start, as for a reader who keeps the file open. */
static ssize_t proc_read(struct file *f, struct uio *u, u64 *pos)
{
	const struct proc_node *node = node_of(f->inode);
	struct proc_text *t = f->priv;

	if (!node->entry->show)
		return -EINVAL;
	if (!*pos || !t->buf) {
		t->len = 0;
		t->failed = false;
		node->entry->show(t, node->id);
		if (t->failed)
			return -ENOMEM;
	}
	return file_read_memory(u, pos, t->buf, t->len);
}

static ssize_t proc_write(struct file *f, struct uio *u, u64 *pos)
{
	const struct proc_node *node = node_of(f->inode);
	u64 n = u->left;
	char *text;
	int err;

	if (!node->entry->store || n >= STORE_MAX)
		return -EINVAL;
	text = kmalloc(n + 1);
	if (!text)
		return -ENOMEM;
	err = uio_read(u, text, n);
	if (!err) {
		text[n] = 0;
		err = node->entry->store(text, n, node->id);
	}
	kfree(text);
	if (!err)
		*pos += n;
	return err ? err : (ssize_t)n;
}

static void proc_close(struct file *f)
{
	struct proc_text *t = f->priv;

	if (t)
		kfree(t->buf);
	kfree(t);
}

static const struct file_ops proc_dir_file_ops = {
	.read = file_no_read_dir,
	.lseek = file_lseek_cursor,
	.readdir = proc_readdir,
};

static const struct file_ops proc_file_file_ops = {
	.read = proc_read,
	.write = proc_write,
	.lseek = file_lseek_cursor,
	.release = proc_close,
};

static int dir_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ops = &proc_dir_file_ops;
	return 0;
}

static int file_open(struct inode *i, struct file *f)
{
	if (file_writable(f) && !node_of(i)->entry->store)
		return -EACCES;
	f->priv = kzalloc(sizeof(struct proc_text));
	if (!f->priv)
		return -ENOMEM;
	f->ops = &proc_file_file_ops;
	return 0;
}

/* O_TRUNC means nothing to a text that is made when read. */
static int file_truncate(struct inode *i, u64 size)
{
	(void)i;
	(void)size;
	return 0;
}

static long link_read(struct inode *i, char *buf, size_t size)
{
	const struct proc_node *node = node_of(i);

	return node->entry->link(buf, size, node->id);
}

static int link_file(struct inode *i, struct file **out)
{
	const struct proc_node *node = node_of(i);

	return node->entry->file(node->id, out);
}

static const struct inode_ops dir_ops = { .lookup = proc_lookup, .open = dir_open, .release = proc_release };
static const struct inode_ops file_ops_of_inode = {
	.open = file_open,
	.truncate = file_truncate,
	.release = proc_release,
};
static const struct inode_ops link_ops = { .readlink = link_read, .release = proc_release };
static const struct inode_ops file_link_ops = {
	.readlink = link_read,
	.get_link = link_file,
	.release = proc_release,
};

struct superblock *proc_tree_new(const char *type, u32 magic, const struct proc_entry *root)
{
	struct superblock *sb = superblock_new(type, magic, false);

	if (!sb)
		return NULL;
	sb->no_dcache = true;
	sb->check_modes = true;
	sb->root = proc_inode(sb, root, 0, false);
	if (!sb->root) {
		kfree(sb);
		return NULL;
	}
	return sb;
}
