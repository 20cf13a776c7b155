#include "page_delta.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (DELTA_PAGE_WORDS * sizeof(uint64_t))
/* A record's runs when it holds the whole page instead. */
#define WHOLE 0xffffu

/* Followed by its runs, each a struct run and its words. */
struct record {
	uint32_t page; /* address in pages */
	uint16_t runs;
	uint16_t reserved;
};

struct run {
	uint16_t first, count; /* words of the page */
};

/* No record is longer: a whole page and its head, or runs that come to less. */
#define RECORD_MAX (sizeof(struct record) + PAGE_BYTES)

static char *reserve(struct page_delta *d)
{
	if (d->size - d->bytes < RECORD_MAX) {
		d->size = d->size * 2 + 4 * RECORD_MAX;
		d->data = xrealloc(d->data, d->size);
	}
	return d->data + d->bytes;
}

/* Words that differ from `first` on, without a gap. */
static unsigned run_length(const uint64_t *base, const uint64_t *now, unsigned first)
{
	unsigned end = first;

	while (end < DELTA_PAGE_WORDS && base[end] != now[end])
		end++;
	return end - first;
}

/* Bytes of the runs written at `to`, or 0 if the whole page takes no more. */
static size_t put_runs(char *to, const uint64_t *base, const uint64_t *now, uint16_t *runs)
{
	size_t used = 0;
	unsigned count;

	for (unsigned i = 0; i < DELTA_PAGE_WORDS; i += count ? count : 1) {
		struct run run;

		count = run_length(base, now, i);
		if (!count)
			continue;
		if (used + sizeof run + count * sizeof *now >= PAGE_BYTES)
			return 0;
		run = (struct run){ (uint16_t)i, (uint16_t)count };
		memcpy(to + used, &run, sizeof run);
		memcpy(to + used + sizeof run, now + i, count * sizeof *now);
		used += sizeof run + count * sizeof *now;
		(*runs)++;
	}
	return used;
}

void page_delta_add(struct page_delta *d, uint64_t addr, const uint64_t *base, const uint64_t *now)
{
	struct record record = { .page = (uint32_t)(addr >> PAGE_SHIFT) };
	size_t used;
	char *to;

	if (!memcmp(base, now, PAGE_BYTES))
		return;
	to = reserve(d);
	used = put_runs(to + sizeof record, base, now, &record.runs);
	if (!used) {
		record.runs = WHOLE;
		used = PAGE_BYTES;
		memcpy(to + sizeof record, now, PAGE_BYTES);
	}
	memcpy(to, &record, sizeof record);
	d->bytes += sizeof record + used;
	d->pages++;
}

void page_delta_free(struct page_delta *d)
{
	free(d->data);
	*d = (struct page_delta){ 0 };
}

bool page_delta_next(const struct page_delta_reader *r, uint64_t *addr)
{
	struct record record;

	if (r->at == r->end)
		return false;
	memcpy(&record, r->at, sizeof record);
	*addr = (uint64_t)record.page << PAGE_SHIFT;
	return true;
}

void page_delta_apply(struct page_delta_reader *r, uint64_t *page)
{
	struct record record;

	memcpy(&record, r->at, sizeof record);
	r->at += sizeof record;
	if (record.runs == WHOLE) {
		memcpy(page, r->at, PAGE_BYTES);
		r->at += PAGE_BYTES;
		return;
	}
	for (unsigned i = 0; i < record.runs; i++) {
		struct run run;

		memcpy(&run, r->at, sizeof run);
		r->at += sizeof run;
		memcpy(page + run.first, r->at, run.count * sizeof *page);
		r->at += run.count * sizeof *page;
	}
}
