#include "unchanged.h"

#include <string.h>
#include <sys/uio.h>

#define BATCH_PAGES 64

struct batch {
	pid_t pid;
	struct page_runs kept;
	struct iovec pieces[BATCH_PAGES]; /* runs of pages in the process */
	unsigned piece_count;
	size_t pages;
	bool comparable[BATCH_PAGES];
	char now[BATCH_PAGES][UC_PAGE_SIZE], base[BATCH_PAGES][UC_PAGE_SIZE];
};

/* What cannot be read (the process protects it from itself) is kept. */
static void compare(struct batch *b)
{
	struct iovec local = { b->now, b->pages * UC_PAGE_SIZE };
	bool readable = process_vm_readv(b->pid, &local, 1, b->pieces, b->piece_count, 0) == (ssize_t)local.iov_len;
	size_t page = 0;

	for (unsigned i = 0; i < b->piece_count; i++) {
		uint64_t at = (uint64_t)b->pieces[i].iov_base, end = at + b->pieces[i].iov_len;

		for (; at < end; at += UC_PAGE_SIZE, page++)
			if (!readable || !b->comparable[page] || memcmp(b->now[page], b->base[page], UC_PAGE_SIZE))
				page_runs_add(&b->kept, at, at + UC_PAGE_SIZE);
	}
	b->pages = 0;
	b->piece_count = 0;
}

/* False where the backing is not known: the page is kept. */
static bool read_base(const struct vma *v, const struct backing *files, size_t count, uint64_t at, size_t pages, void *to)
{
	memset(to, 0, pages * UC_PAGE_SIZE);
	if (!v->file.ino)
		return true;
	for (size_t i = 0; i < count; i++)
		if (file_id_equal(&files[i].file, &v->file))
			return !pread_all(files[i].fd, to, pages * UC_PAGE_SIZE, v->offset + (at - v->start));
	return false;
}

static void add(struct batch *b, const struct vma *v, const struct backing *files, size_t count, uint64_t at,
		uint64_t end)
{
	while (at < end) {
		size_t room = BATCH_PAGES - b->pages, pages = (end - at) / UC_PAGE_SIZE;

		if (pages > room)
			pages = room;
		memset(b->comparable + b->pages, read_base(v, files, count, at, pages, b->base[b->pages]), pages);
		b->pieces[b->piece_count++] = (struct iovec){ (void *)at, pages * UC_PAGE_SIZE };
		b->pages += pages;
		at += pages * UC_PAGE_SIZE;
		if (b->pages == BATCH_PAGES)
			compare(b);
	}
}

void unchanged_drop(pid_t pid, const struct vma_list *vmas, const struct backing *files, size_t file_count,
		   struct page_runs *own)
{
	struct batch b; /* half a megabyte of the stack, whose pages stay */
	size_t next = 0;

	b.pid = pid;
	b.kept = (struct page_runs){ 0 };
	b.pages = 0;
	b.piece_count = 0;
	for (size_t i = 0; i < vmas->count; i++) {
		const struct vma *v = &vmas->items[i];

		while (next < own->count && own->items[next].end <= v->start)
			next++;
		for (size_t n = next; n < own->count && own->items[n].start < v->end; n++) {
			uint64_t start = own->items[n].start > v->start ? own->items[n].start : v->start;
			uint64_t end = own->items[n].end < v->end ? own->items[n].end : v->end;

			add(&b, v, files, file_count, start, end);
		}
	}
	compare(&b);
	page_runs_free(own);
	*own = b.kept;
}
