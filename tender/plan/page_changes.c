#include "plan/page_changes.h"

#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "base/base.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (PAGE_WORDS * sizeof(uint64_t))
/* No record is longer: one run of a whole page, or runs that come to less. */
#define RECORD_MAX (sizeof(struct plan_change) + sizeof(struct plan_run) + PAGE_BYTES)

static char *reserve(struct page_changes *d)
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

	while (end < PAGE_WORDS && base[end] != now[end])
		end++;
	return end - first;
}

static size_t put_run(char *to, const uint64_t *now, unsigned first, unsigned count)
{
	struct plan_run run = { .first = (uint16_t)first, .count = (uint16_t)count };

	memcpy(to, &run, sizeof run);
	memcpy(to + sizeof run, now + first, count * sizeof *now);
	return sizeof run + count * sizeof *now;
}

/* Bytes written at `to`. */
static size_t put_runs(char *to, const uint64_t *base, const uint64_t *now, uint16_t *runs)
{
	size_t used = 0;
	unsigned count;

	for (unsigned i = 0; i < PAGE_WORDS; i += count ? count : 1) {
		count = run_length(base, now, i);
		if (!count)
			continue;
		if (used + sizeof(struct plan_run) + count * sizeof *now >= PAGE_BYTES) {
			*runs = 1;
			return put_run(to, now, 0, PAGE_WORDS);
		}
		used += put_run(to + used, now, i, count);
		(*runs)++;
	}
	return used;
}

void page_changes_add(struct page_changes *d, uint64_t addr, uint16_t access, const uint64_t *base,
		      const uint64_t *now)
{
	struct plan_change change = { .page = (uint32_t)(addr >> PAGE_SHIFT), .access = access };
	char *to;

	if (!memcmp(base, now, PAGE_BYTES))
		return;
	to = reserve(d);
	d->bytes += sizeof change + put_runs(to + sizeof change, base, now, &change.runs);
	memcpy(to, &change, sizeof change);
	d->pages++;
}

void page_changes_free(struct page_changes *d)
{
	free(d->data);
	*d = (struct page_changes){ 0 };
}

/* The end of a page's runs, or NULL. */
static const char *check_runs(const char *at, const char *end, unsigned runs)
{
	for (; runs; runs--) {
		struct plan_run run;

		if ((size_t)(end - at) < sizeof run)
			return NULL;
		memcpy(&run, at, sizeof run);
		at += sizeof run;
		if (run.first + run.count > PAGE_WORDS || (size_t)(end - at) < run.count * sizeof(uint64_t))
			return NULL;
		at += run.count * sizeof(uint64_t);
	}
	return at;
}

bool page_changes_is_sound(const void *data, size_t bytes)
{
	const char *at = data, *end = at + bytes;
	uint64_t page = 0;

	while (at && at < end) {
		struct plan_change change;

		if ((size_t)(end - at) < sizeof change)
			return false;
		memcpy(&change, at, sizeof change);
		if (!change.runs || change.page < page || change.page >= UC_GUEST_END >> PAGE_SHIFT)
			return false;
		page = change.page + 1ull;
		at = check_runs(at + sizeof change, end, change.runs);
	}
	return at != NULL;
}

const char *page_changes_next(const char *at, struct plan_change *change)
{
	memcpy(change, at, sizeof *change);
	at += sizeof *change;
	for (unsigned i = 0; i < change->runs; i++) {
		struct plan_run run;

		memcpy(&run, at, sizeof run);
		at += sizeof run + run.count * sizeof(uint64_t);
	}
	return at;
}

void page_changes_apply_one(const char *at, uint64_t *to)
{
	struct plan_change change;

	memcpy(&change, at, sizeof change);
	at += sizeof change;
	for (unsigned i = 0; i < change.runs; i++) {
		struct plan_run run;

		memcpy(&run, at, sizeof run);
		at += sizeof run;
		memcpy(to + run.first, at, run.count * sizeof *to);
		at += run.count * sizeof *to;
	}
}

void page_changes_apply(const void *data, size_t bytes, uint64_t *to)
{
	const char *at = data, *end = at + bytes;

	while (at < end) {
		struct plan_change change;
		const char *next = page_changes_next(at, &change);

		page_changes_apply_one(at, to + (size_t)change.page * PAGE_WORDS);
		at = next;
	}
}
