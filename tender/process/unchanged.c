#include "process/unchanged.h"

#include <string.h>

#include "base/base.h"
#include "loop/operation.h"
#include "process/process_read.h"

/* Of one read out of the process. */
#define BATCH_PAGES 64

struct batch {
	pid_t pid;
	struct page_runs kept;
	struct page_buffer *buffer;
	bool storing; /* all that was kept so far is in the buffer */
	struct iovec pieces[BATCH_PAGES]; /* runs of pages in the process */
	unsigned piece_count;
	size_t pages;
	const char *base[BATCH_PAGES]; /* what the mapping shows, NULL when that is not known */
	char now[BATCH_PAGES][UC_PAGE_SIZE], base_read[BATCH_PAGES][UC_PAGE_SIZE];
};

static const char zeroes[UC_PAGE_SIZE];

static void keep(struct batch *b, uint64_t at, const char *now)
{
	struct page_buffer *s = b->buffer;

	page_runs_add(&b->kept, at, at + UC_PAGE_SIZE);
	if (!b->storing)
		return;
	if (s->count == PAGE_BUFFER_MAX) {
		b->storing = false;
		return;
	}
	/* Read there already, unless others before it were dropped. */
	if (s->pages[s->count] != now)
		memcpy(s->pages[s->count], now, UC_PAGE_SIZE);
	s->addrs[s->count++] = at;
}

static int compare(struct batch *b)
{
	bool in_place = b->storing && PAGE_BUFFER_MAX - b->buffer->count >= b->pages;
	const char *now = in_place ? b->buffer->pages[b->buffer->count] : b->now[0];
	const char *const *base = b->base;
	int error = b->pages ? process_read(b->pid, b->pieces, b->piece_count, (void *)now,
					    b->pages * UC_PAGE_SIZE)
			     : 0;

	for (unsigned i = 0; !error && i < b->piece_count; i++) {
		uint64_t at = (uint64_t)b->pieces[i].iov_base, end = at + b->pieces[i].iov_len;

		for (; at < end; at += UC_PAGE_SIZE, now += UC_PAGE_SIZE, base++)
			if (!*base || memcmp(now, *base, UC_PAGE_SIZE))
				keep(b, at, now);
	}
	b->pages = 0;
	b->piece_count = 0;
	return error ? error : operation_pause_if_due();
}

/* What v shows at `at`, for the pages from b->pages on. */
static void find_base(struct batch *b, const struct vma *v, const struct backing *files, size_t count,
		      uint64_t at, size_t pages)
{
	uint64_t offset = v->offset + (at - v->start);
	const struct backing *f = files, *end = files + count;
	const char *base = NULL;

	while (f < end && !file_id_equal(&f->file, &v->file))
		f++;
	if (!v->file.ino) {
		for (size_t i = 0; i < pages; i++)
			b->base[b->pages + i] = zeroes;
		return;
	}
	if (f < end && f->view && offset + pages * UC_PAGE_SIZE <= f->bytes)
		base = f->view + offset;
	else if (f < end && !pread_all(f->fd, b->base_read[b->pages], pages * UC_PAGE_SIZE, offset))
		base = b->base_read[b->pages];
	for (size_t i = 0; i < pages; i++)
		b->base[b->pages + i] = base ? base + i * UC_PAGE_SIZE : NULL;
}

static int add(struct batch *b, const struct vma *v, const struct backing *files, size_t count, uint64_t at,
	       uint64_t end)
{
	int error = 0;

	while (!error && at < end) {
		size_t room = BATCH_PAGES - b->pages, pages = (end - at) / UC_PAGE_SIZE;

		if (pages > room)
			pages = room;
		find_base(b, v, files, count, at, pages);
		b->pieces[b->piece_count++] = (struct iovec){ (void *)at, pages * UC_PAGE_SIZE };
		b->pages += pages;
		at += pages * UC_PAGE_SIZE;
		if (b->pages == BATCH_PAGES)
			error = compare(b);
	}
	return error;
}

int unchanged_drop(pid_t pid, const struct vma_list *vmas, const struct backing *files, size_t file_count,
		   struct page_runs *own, struct page_buffer *buffer)
{
	struct batch b; /* half a megabyte of the stack, whose pages stay */
	size_t next = 0;
	int error = 0;

	b.pid = pid;
	b.kept = (struct page_runs){ 0 };
	b.buffer = buffer;
	b.storing = buffer;
	b.pages = 0;
	b.piece_count = 0;
	if (buffer)
		buffer->count = 0;
	for (size_t i = 0; !error && i < vmas->count; i++) {
		const struct vma *v = &vmas->items[i];

		while (next < own->count && own->items[next].end <= v->start)
			next++;
		for (size_t n = next; !error && n < own->count && own->items[n].start < v->end; n++) {
			uint64_t start = own->items[n].start > v->start ? own->items[n].start : v->start;
			uint64_t end = own->items[n].end < v->end ? own->items[n].end : v->end;

			error = add(&b, v, files, file_count, start, end);
		}
	}
	if (!error)
		error = compare(&b);
	page_runs_free(own);
	*own = b.kept;
	return error;
}
