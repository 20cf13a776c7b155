#include "capture/snapshot_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "base/file_id.h"
#include "base/number.h"
#include "loop/control.h"
#include "memory/pristine.h"
#include "memory/snapshot.h"
#include "plan/change_index.h"
#include "plan/map_list.h"
#include "plan/page_changes.h"
#include "tender.h"

/* One step reads so many pages of each: most of a millisecond. */
#define STEP_PAGES 128
/*
 * The tender has a higher priority than its UCs: it leaves them time between two steps, and more when it is
 * busy.
 */
#define STEP_WAIT_MS 1
#define STEP_BUSY_NS 10000000ull
#define CHUNK_PAGES 16
#define CHUNK_BYTES (CHUNK_PAGES * UC_PAGE_SIZE)
#define RUNS_MAX (CONTROL_PAYLOAD_MAX / sizeof(struct control_diff_run))

struct side {
	struct snapshot *snapshot;
	struct pristine pristine;
	size_t next; /* first map that ends behind the place looked at */
};

struct diff {
	struct list_node node;
	uint32_t seq;
	struct side a, b;
	uint64_t at; /* all below it is done */
	uint64_t stepped_ns;
	size_t budget; /* pages that this step may still read */
	struct control_diff_run *runs;
	size_t count, size;
};

void snapshot_diffs_init(struct tender *t)
{
	list_init(&t->diffs);
}

static bool in_libos(uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < UC_LIBOS_END;
}

/* The map at addr, or NULL; lowers *end to where that changes. */
static const struct plan_map *map_at(struct side *s, uint64_t addr, uint64_t *end)
{
	const struct map_list *maps = &s->pristine.maps;
	const struct plan_map *m;

	while (s->next < maps->count && maps->items[s->next].start + maps->items[s->next].bytes <= addr)
		s->next++;
	if (s->next == maps->count)
		return NULL;
	m = &maps->items[s->next];
	*end = lower(*end, m->start <= addr ? m->start + m->bytes : m->start);
	return m->start <= addr ? m : NULL;
}

static int add(struct diff *d, enum control_diff_kind kind, uint64_t start, uint64_t end, uint32_t words)
{
	struct control_diff_run *last = d->count ? &d->runs[d->count - 1] : NULL;

	if (last && last->kind == (uint32_t)kind && last->start + last->bytes == start) {
		last->bytes += end - start;
		last->words += words;
		return 0;
	}
	if (d->count == RUNS_MAX)
		return -E2BIG;
	if (d->count == d->size) {
		d->size = d->size ? d->size * 2 : 64;
		d->runs = xrealloc(d->runs, d->size * sizeof *d->runs);
	}
	d->runs[d->count++] = (struct control_diff_run){ start, end - start, kind, words };
	return 0;
}

static uint32_t words_that_differ(const uint64_t *a, const uint64_t *b)
{
	uint32_t words = 0;

	for (size_t i = 0; i < PAGE_WORDS; i++)
		words += a[i] != b[i];
	return words;
}

/* Both show the same bytes there, which need not be read. */
static bool same_source(const struct diff *d, const struct plan_map *a, const struct plan_map *b,
			uint64_t addr)
{
	struct file_id of_a, of_b;

	if (!a || !b)
		return !a && !b;
	pristine_file(&d->a.pristine, a, &of_a);
	pristine_file(&d->b.pristine, b, &of_b);
	if (!of_a.ino || !of_b.ino)
		return of_a.ino == of_b.ino;
	return file_id_equal(&of_a, &of_b) && a->offset + (addr - a->start) == b->offset + (addr - b->start);
}

/* Of the library OS's image a map says nothing: what it maps there was made out of it. */
static bool same_access(const struct plan_map *a, const struct plan_map *b)
{
	return !a || !b || a->prot == b->prot;
}

/* Reads and compares from start on, as far as the budget goes; *end becomes where that ended. */
static int compare(struct diff *d, bool same_prot, uint64_t start, uint64_t *end)
{
	static uint64_t a[CHUNK_BYTES / sizeof(uint64_t)], b[CHUNK_BYTES / sizeof(uint64_t)];
	uint64_t last = lower(*end, start + d->budget * UC_PAGE_SIZE), at = start;
	int error = 0;

	while (!error && at < last) {
		size_t bytes = lower(last - at, CHUNK_BYTES);

		error = pristine_read(&d->a.pristine, at, a, bytes);
		if (!error)
			error = pristine_read(&d->b.pristine, at, b, bytes);
		for (size_t w = 0; !error && w < bytes / sizeof *a; w += PAGE_WORDS, at += UC_PAGE_SIZE) {
			uint32_t words = words_that_differ(a + w, b + w);

			if (words)
				error = add(d, CONTROL_DIFF_BYTES, at, at + UC_PAGE_SIZE, words);
			else if (!same_prot)
				error = add(d, CONTROL_DIFF_ACCESS, at, at + UC_PAGE_SIZE, 0);
		}
	}
	d->budget -= (last - start) / UC_PAGE_SIZE;
	*end = last;
	return error;
}

/* The first page from addr on that words of a compact snapshot change: its map does not tell of it. */
static uint64_t next_change(const struct side *s, uint64_t addr)
{
	const struct change_index *changes = &s->pristine.changes;
	size_t i = change_index_find(changes, addr);

	return i < changes->count ? changes->items[i].addr : UINT64_MAX;
}

/* From d->at on to where one of the maps ends, or the budget does. */
static int advance(struct diff *d)
{
	uint64_t end = UC_GUEST_END;
	const struct plan_map *a, *b;
	uint64_t changed;
	int error = 0;

	if (d->at < UC_LIBOS_BASE)
		end = UC_LIBOS_BASE;
	else if (d->at < UC_LIBOS_END)
		end = UC_LIBOS_END;
	a = map_at(&d->a, d->at, &end);
	b = map_at(&d->b, d->at, &end);
	changed = lower(next_change(&d->a, d->at), next_change(&d->b, d->at));
	end = lower(end, changed == d->at ? changed + UC_PAGE_SIZE : changed);
	if (changed != d->at && same_source(d, a, b, d->at)) {
		if (!same_access(a, b))
			error = add(d, CONTROL_DIFF_ACCESS, d->at, end, 0);
	} else if ((!a || !b) && !in_libos(d->at)) {
		error = add(d, a ? CONTROL_DIFF_ONLY_A : CONTROL_DIFF_ONLY_B, d->at, end, 0);
	} else {
		error = compare(d, same_access(a, b), d->at, &end);
	}
	d->at = end;
	return error;
}

static void finish(struct tender *t, struct diff *d, int error)
{
	if (error)
		control_error(t, 0, d->seq, -error, "difference of snapshots %lu and %lu (at %#lx): %s",
			      d->a.snapshot->number, d->b.snapshot->number, d->at, strerror(-error));
	else
		control_ok(t, 0, d->seq, d->runs, d->count * sizeof *d->runs);
	list_del(&d->node);
	pristine_close(&d->a.pristine);
	pristine_close(&d->b.pristine);
	snapshot_put(d->a.snapshot);
	snapshot_put(d->b.snapshot);
	free(d->runs);
	free(d);
}

int snapshot_diff_timeout_ms(const struct tender *t)
{
	return list_empty(&t->diffs) ? -1 : STEP_WAIT_MS;
}

void snapshot_diff_step(struct tender *t, bool quiet)
{
	uint64_t now = now_ns();
	struct diff *d;
	int error = 0;

	if (list_empty(&t->diffs))
		return;
	d = list_entry(t->diffs.next, struct diff, node);
	if (!quiet && now - d->stepped_ns < STEP_BUSY_NS)
		return;
	d->stepped_ns = now;
	d->budget = STEP_PAGES;
	while (!error && d->budget && d->at < UC_GUEST_END)
		error = advance(d);
	if (error || d->at == UC_GUEST_END)
		finish(t, d, error);
}

static int open_side(struct tender *t, uint64_t number, struct side *side)
{
	struct snapshot *s = snapshot_find(t, number);
	int error = s ? pristine_open(t, s, &side->pristine) : -ENOENT;

	if (!error)
		side->snapshot = snapshot_get(s);
	return error;
}

void snapshot_diff_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct control_diff request;
	struct diff *d = xcalloc(1, sizeof *d);
	int error = -EINVAL;

	d->seq = frame->seq;
	if (frame->len == sizeof request) {
		memcpy(&request, payload, sizeof request);
		error = open_side(t, request.a, &d->a);
	}
	if (!error) {
		error = open_side(t, request.b, &d->b);
		if (error) {
			pristine_close(&d->a.pristine);
			snapshot_put(d->a.snapshot);
		}
	}
	if (error) {
		control_error(t, 0, frame->seq, -error, "difference of snapshots: %s", strerror(-error));
		free(d);
		return;
	}
	list_add_tail(&d->node, &t->diffs);
}
