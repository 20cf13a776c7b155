#include "idle/memory_changes.h"

#include <errno.h>
#include <sys/mman.h>

#include "abi/layout.h"
#include "loop/operation.h"
#include "memory/map_compare.h"
#include "process/maps.h"
#include "process/pagemap.h"
#include "process/process_read.h"

/* More would hold the tender up for too long. */
#define LOOK_PAGES_MAX 8192
/* More is no idle memory, and a plan with it might outgrow the embryo's scratch region. */
#define CHANGE_BYTES_MAX (4ul << 20)
#define CHUNK_PAGES 64
#define CHUNK_BYTES (CHUNK_PAGES * UC_PAGE_SIZE)

/* Pages on their way to being compared: runs, one after the other. */
struct chunk {
	uint64_t now[CHUNK_BYTES / sizeof(uint64_t)], base[CHUNK_BYTES / sizeof(uint64_t)];
	struct iovec pieces[CHUNK_PAGES];
	unsigned count;
	size_t bytes;
};

struct search {
	struct pristine *pristine;
	const struct tracee *tracee;
	struct memory_changes *out;
	struct vma_list vmas;
	size_t at; /* in vmas, of the page looked at */
	struct page_runs look;
};

/* ---- pages that may differ ---- */

static int own_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *own)
{
	struct page_runs all = { 0 };
	int error = pagemap_own_runs(pid, vmas, &all);

	pristine_clip(&all, own);
	page_runs_free(&all);
	return error;
}

static int find_pages(struct search *s)
{
	struct page_runs own = { 0 }, other = { 0 };
	int error;

	s->out->failed = "memory map";
	error = maps_read(s->tracee->pid, &s->vmas);
	if (!error) {
		s->out->failed = "its memory map";
		error = map_compare(s->pristine, &s->vmas, &other, &s->out->conflict);
	}
	if (!error) {
		s->out->failed = "scan for written pages";
		error = own_runs(s->tracee->pid, &s->vmas, &own);
	}
	s->out->own_pages = page_runs_pages(&own);
	page_runs_join(&own, &other, &s->look);
	page_runs_free(&own);
	page_runs_free(&other);
	if (!error && page_runs_pages(&s->look) > LOOK_PAGES_MAX) {
		s->out->failed = "too much of its memory is its own";
		error = -E2BIG;
	}
	return error;
}

/* ---- comparing ---- */

/* access of struct plan_change; pages are asked about in order. */
static uint16_t access_of(struct search *s, uint64_t addr)
{
	uint16_t prot;

	while (s->at + 1 < s->vmas.count && s->vmas.items[s->at].end <= addr)
		s->at++;
	prot = s->vmas.items[s->at].prot;
	return prot & PROT_WRITE ? 0 : (uint16_t)(PLAN_CHANGE_PROTECTED | prot);
}

static int compare(struct search *s, struct chunk *c)
{
	size_t w = 0; /* word in the chunk */
	int error = process_read(s->tracee->pid, c->pieces, c->count, c->now, c->bytes);

	for (unsigned i = 0; !error && i < c->count; i++) {
		uint64_t addr = (uint64_t)c->pieces[i].iov_base, end = addr + c->pieces[i].iov_len;

		error = pristine_read(s->pristine, addr, c->base + w, end - addr);
		for (; !error && addr < end; addr += UC_PAGE_SIZE, w += PAGE_WORDS)
			page_changes_add(&s->out->records, addr, access_of(s, addr), c->base + w, c->now + w);
	}
	c->count = 0;
	c->bytes = 0;
	if (!error && s->out->records.bytes > CHANGE_BYTES_MAX) {
		s->out->failed = "too much of its memory differs";
		error = -E2BIG;
	}
	return error ? error : operation_pause_if_due();
}

static int compare_all(struct search *s)
{
	struct chunk *c = operation_buffer(sizeof *c);
	int error = 0;

	c->count = 0;
	c->bytes = 0;
	s->out->failed = "reading of its memory";
	for (size_t i = 0; !error && i < s->look.count; i++) {
		uint64_t at = s->look.items[i].start, end = s->look.items[i].end;

		while (!error && at < end) {
			size_t room = CHUNK_BYTES - c->bytes, bytes = end - at < room ? end - at : room;

			c->pieces[c->count++] = (struct iovec){ (void *)at, bytes };
			c->bytes += bytes;
			at += bytes;
			if (c->bytes == CHUNK_BYTES)
				error = compare(s, c);
		}
	}
	return error || !c->bytes ? error : compare(s, c);
}

int memory_changes_find(struct pristine *pristine, const struct tracee *tracee, struct memory_changes *out)
{
	struct search s = { .pristine = pristine, .tracee = tracee, .out = out };
	int error = find_pages(&s);

	if (!error)
		error = compare_all(&s);
	vma_list_free(&s.vmas);
	page_runs_free(&s.look);
	return error;
}

void memory_changes_free(struct memory_changes *changes)
{
	page_changes_free(&changes->records);
}
