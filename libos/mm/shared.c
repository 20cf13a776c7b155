/*
 * Windows of the guest on pages that belong to a file of the library OS: a MAP_SHARED mapping of
 * tmpfs is the address where the file's pages live already. A window holds its file, so
 * that the pages stay; unmapping a window leaves them be.
 */
#include <asm/errno.h>

#include "../include/file.h"
#include "vma.h"

struct window {
	struct list_node node;
	u64 start, end;
	struct file *file;
};

static struct list_node windows = { &windows, &windows };

int shared_add(u64 start, u64 bytes, struct file *file)
{
	struct window *w = kmalloc(sizeof *w);

	if (!w)
		return -ENOMEM;
	w->start = start;
	w->end = start + bytes;
	w->file = file_get(file);
	list_add(&w->node, &windows);
	return 0;
}

/* A hole in a window's middle is not recorded: the window shrinks from its ends only. */
static bool cut(struct window *w, u64 start, u64 end)
{
	if (start <= w->start)
		w->start = MAX(w->start, MIN(end, w->end));
	else if (end >= w->end)
		w->end = MIN(w->end, MAX(start, w->start));
	return w->start == w->end;
}

/* A window that the range unmaps. Pages mapped twice have two equal windows: an exact match is taken alone. */
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

u64 shared_end(u64 addr)
{
	u64 end = 0;

	list_for_each(n, &windows) {
		struct window *w = list_entry(n, struct window, node);

		if (w->start <= addr && addr < w->end)
			end = MAX(end, w->end);
	}
	return end;
}
