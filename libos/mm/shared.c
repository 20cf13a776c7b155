/*
 * Windows of the guest on pages that belong to a file of the library OS: a MAP_SHARED mapping of
 * tmpfs is the address where the file's pages live already. A window holds its file, so
 * that the pages stay; unmapping a window leaves them be.
 */
#include <asm/errno.h>
#include <linux/mman.h>

#include "include/file.h"
#include "include/upcalls.h"
#include "vma.h"

struct window {
	struct list_node node;
	u64 start, end;
	u64 offset; /* of start in the file */
	u16 prot;   /* as asked for; the pages themselves stay writable */
	struct file *file;
};

static struct list_node windows = { &windows, &windows };

int shared_add(u64 start, const struct vma *v)
{
	struct window *w = kmalloc(sizeof *w);

	if (!w)
		return -ENOMEM;
	w->start = start;
	w->end = start + (v->end - v->start);
	w->offset = v->offset;
	w->prot = v->prot;
	w->file = file_get(v->file);
	list_add(&w->node, &windows);
	return 0;
}

/* A hole in a window's middle is not recorded: the window shrinks from its ends only. */
static bool cut(struct window *w, u64 start, u64 end)
{
	u64 old = w->start;

	if (start <= old) {
		w->start = MAX(old, MIN(end, w->end));
		w->offset += w->start - old;
	} else if (end >= w->end) {
		w->end = MIN(w->end, start);
	}
	return w->start == w->end;
}

/*
 * A window that the range unmaps. Pages mapped twice have two equal windows: an exact match is taken alone.
 */
static struct window *first_gone(u64 start, u64 end, bool *exact)
{
	struct window *gone = NULL;

	list_for_each(n, &windows) {
		struct window *w = list_entry(n, struct window, node);

		if (w->start == start && w->end == end) {
			*exact = true;
			return w;
		}
	}
	list_for_each(n, &windows) {
		struct window *w = list_entry(n, struct window, node);

		if (!gone && cut(w, start, end))
			gone = w;
	}
	return gone;
}

void shared_remove(u64 start, u64 end)
{
	struct window *w;
	bool exact = false;

	/* From the top after each: the last reference to a file may come back here. */
	while (!exact && (w = first_gone(start, end, &exact))) {
		struct file *file = w->file;

		list_del(&w->node);
		kfree(w);
		file_put(file);
	}
}

static struct window *holder(u64 addr)
{
	struct window *found = NULL;

	list_for_each(n, &windows) {
		struct window *w = list_entry(n, struct window, node);

		if (w->start <= addr && addr < w->end && (!found || w->end > found->end))
			found = w;
	}
	return found;
}

u64 shared_end(u64 addr)
{
	const struct window *w = holder(addr);

	return w ? w->end : 0;
}

/* Asks the file anew: it has its pages in one piece wherever there is room. */
static long reopen(const struct window *old, u64 addr, u64 bytes, bool may_move)
{
	struct vma v = { .prot = old->prot, .flags = MAP_SHARED, .file = old->file };
	long start;

	v.start = mm_pick_address(bytes, PAGE_SIZE, false);
	v.end = v.start + bytes;
	v.offset = old->offset + (addr - old->start);
	start = v.start ? v.file->ops->mmap(v.file, &v) : -ENOMEM;
	if (start < 0)
		return start;
	if ((u64)start != addr && !may_move)
		return -ENOMEM;
	return shared_add((u64)start, &v) ? -ENOMEM : start;
}

long shared_resize(u64 addr, u64 old_bytes, u64 new_bytes, bool may_move)
{
	const struct window *w = holder(addr);
	long start = (long)addr;

	if (!w || addr + old_bytes > w->end)
		return -EFAULT;
	if (new_bytes < old_bytes) {
		shared_remove(addr + new_bytes, addr + old_bytes);
	} else if (new_bytes > old_bytes) {
		start = reopen(w, addr, new_bytes, may_move);
		if (start >= 0)
			shared_remove(addr, addr + old_bytes);
	}
	return start;
}
