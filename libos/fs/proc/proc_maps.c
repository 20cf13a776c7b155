/* /proc/self/maps and smaps, mounts and mountinfo. */
#include <linux/kdev_t.h>
#include <linux/mman.h>

#include "procfs.h"

#define NAME_COLUMN 73
#define KIB(bytes) ((bytes) >> 10)

static struct vma *guest_vma(struct list_node *n)
{
	struct vma *v = list_entry(n, struct vma, node);

	return v->flags & VMA_KERNEL ? NULL : v;
}

u64 proc_mapped_bytes(void)
{
	u64 bytes = 0;

	list_for_each(n, &vma_list) {
		const struct vma *v = guest_vma(n);

		bytes += v ? v->end - v->start : 0;
	}
	return bytes;
}

static void show_vma(struct proc_text *t, const struct vma *v, char *path)
{
	const struct inode *i = v->file ? v->file->inode : NULL;
	size_t start = t->len;
	const char *name = v->name;

	text_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start, v->end,
		    v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-',
		    v->prot & PROT_EXEC ? 'x' : '-', (v->flags & MAP_TYPE) == MAP_PRIVATE ? 'p' : 's',
		    v->file ? v->offset : 0ul, i ? (i->sb->dev >> 8) & 0xfff : 0u, i ? i->sb->dev & 0xff : 0u,
		    i ? i->ino : 0ul);
	if (v->file && v->file->dentry && dentry_path(v->file->dentry, path, PATH_MAX) >= 0)
		name = path;
	if (name && !t->failed) {
		while (t->len - start < NAME_COLUMN && !t->failed)
			text_add(t, " ", 1);
		text_add(t, name, strlen(name));
		if (name == path && v->file->dentry->deleted)
			text_printf(t, " (deleted)");
	}
	text_add(t, "\n", 1);
}

static void show_each(struct proc_text *t, void (*detail)(struct proc_text *t, const struct vma *v))
{
	char *path = kmalloc(PATH_MAX);

	if (!path) {
		t->failed = true;
		return;
	}
	list_for_each(n, &vma_list) {
		const struct vma *v = guest_vma(n);

		if (!v)
			continue;
		show_vma(t, v, path);
		if (detail)
			detail(t, v);
	}
	kfree(path);
}

void show_maps(struct proc_text *t, int id)
{
	(void)id;
	show_each(t, NULL);
}

/* Only the host knows which pages are there: writable ones count as if all were. */
static u64 assumed_resident(const struct vma *v)
{
	return v->prot & PROT_WRITE ? v->end - v->start : 0;
}

static void smaps_detail(struct proc_text *t, const struct vma *v)
{
	u64 rss = KIB(assumed_resident(v));

	text_printf(t, "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
		    KIB(v->end - v->start));
	text_printf(t, "Rss:            %8lu kB\nPss:            %8lu kB\n", rss, rss);
	text_printf(t, "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\n");
	text_printf(t, "Private_Clean:         0 kB\nPrivate_Dirty:  %8lu kB\n", rss);
	text_printf(t, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\nSwap:                  0 kB\n", rss,
		    rss);
	text_printf(t, "Locked:                0 kB\nVmFlags:%s%s%s\n", v->prot & PROT_READ ? " rd" : "",
		    v->prot & PROT_WRITE ? " wr" : "", v->prot & PROT_EXEC ? " ex" : "");
}

void show_smaps(struct proc_text *t, int id)
{
	(void)id;
	show_each(t, smaps_detail);
}

void show_smaps_rollup(struct proc_text *t, int id)
{
	u64 rss = KIB(mm_resident_estimate()), low = 0, high = 0;

	(void)id;
	list_for_each(n, &vma_list) {
		const struct vma *v = guest_vma(n);

		if (!v)
			continue;
		low = low ? low : v->start;
		high = v->end;
	}
	text_printf(t, "%08lx-%08lx ---p 00000000 00:00 0 [rollup]\n", low, high);
	text_printf(t, "Rss:            %8lu kB\nPss:            %8lu kB\nPrivate_Dirty:  %8lu kB\n", rss,
		    rss, rss);
	text_printf(t, "Anonymous:      %8lu kB\nSwap:                  0 kB\n", rss);
}

static void show_each_mount(struct proc_text *t,
			    void (*line)(struct proc_text *t, const struct mount *m, const char *path))
{
	char *path = kmalloc(PATH_MAX);

	if (!path) {
		t->failed = true;
		return;
	}
	list_for_each(n, &mounts) {
		const struct mount *m = list_entry(n, struct mount, node);

		if (dentry_path(m->dentry, path, PATH_MAX) >= 0)
			line(t, m, path);
	}
	kfree(path);
}

static const char *mount_options(const struct mount *m)
{
	return m->sb->read_only ? "ro" : "rw";
}

static void mounts_line(struct proc_text *t, const struct mount *m, const char *path)
{
	text_printf(t, "%s ", m->sb->type);
	text_add(t, path, strlen(path));
	text_printf(t, " %s %s,nosuid,relatime 0 0\n", m->sb->type, mount_options(m));
}

static void mountinfo_line(struct proc_text *t, const struct mount *m, const char *path)
{
	text_printf(t, "%d %d %u:%u / ", m->id, m->id == 1 ? 0 : 1, (m->sb->dev >> 8) & 0xfff,
		    m->sb->dev & 0xff);
	text_add(t, path, strlen(path));
	text_printf(t, " %s,nosuid,relatime - %s %s %s\n", mount_options(m), m->sb->type, m->sb->type,
		    mount_options(m));
}

void show_mounts(struct proc_text *t, int id)
{
	(void)id;
	show_each_mount(t, mounts_line);
}

void show_mountinfo(struct proc_text *t, int id)
{
	(void)id;
	show_each_mount(t, mountinfo_line);
}
