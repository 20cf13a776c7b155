#include "plan/reset_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/number.h"

/* Of one list: a guest could make it grow without end. */
#define ENTRIES_MAX 65536
/*
 * A mapping of another file with so little to it is rather written over than replaced, as
 * map_difference.c has made it.
 */
#define COPY_BYTES_MAX (8 * UC_PAGE_SIZE)

struct walk {
	const struct reset_input *in;
	struct reset_list *list;
	size_t map, now, embryo, own; /* what ends behind the place that was reached */
};

/* A part that is of one mapping each; NULL where there is none. */
struct part {
	uint64_t start, end;
	const struct plan_map *m;
	const struct vma *v, *e;
};

static bool is_library_os(uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < UC_LIBOS_END;
}

static bool is_scratch(uint64_t addr)
{
	return addr >= UC_SCRATCH_BASE && addr < UC_SCRATCH_END;
}

static bool is_vdso(uint64_t addr)
{
	return addr >= UC_VDSO_BASE && addr < UC_VDSO_END;
}

/* ---- the plan ---- */

static int add(struct walk *w, const struct plan_map *entry)
{
	struct reset_list *l = w->list;
	struct plan_map *last = l->count ? &l->items[l->count - 1] : NULL;

	if (last && entry->flags & (PLAN_UNMAP | PLAN_DISCARD) && last->flags == entry->flags &&
	    last->start + last->bytes == entry->start) {
		last->bytes += entry->bytes;
		return 0;
	}
	if (l->count == ENTRIES_MAX)
		return -E2BIG;
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 64;
		l->items = xrealloc(l->items, l->size * sizeof *l->items);
	}
	l->items[l->count++] = *entry;
	return 0;
}

static int add_plain(struct walk *w, uint64_t start, uint64_t end, uint32_t flags)
{
	return add(w,
		   &(struct plan_map){
			   .start = start, .bytes = end - start, .source = PLAN_ANONYMOUS, .flags = flags });
}

/* [start, end) of m, to map or to copy. */
static int add_of_map(struct walk *w, const struct plan_map *m, uint64_t start, uint64_t end, uint32_t flags)
{
	struct plan_map entry = *m;

	entry.start = start;
	entry.bytes = end - start;
	entry.flags = flags;
	if (m->source != PLAN_ANONYMOUS)
		entry.offset += start - m->start;
	return add(w, &entry);
}

/* ---- comparing ---- */

static const struct file_id *file_of(const struct reset_input *in, uint16_t source)
{
	if (source < UC_IMAGE_MAX)
		return source < in->image_count ? &in->images[source] : NULL;
	return source - UC_IMAGE_MAX < in->layer_count ? &in->layers[source - UC_IMAGE_MAX] : NULL;
}

static bool shows(const struct reset_input *in, const struct part *p)
{
	const struct file_id *file;

	if (p->m->source == PLAN_ANONYMOUS)
		return !p->v->file.ino;
	file = file_of(in, p->m->source);
	return file && file_id_equal(file, &p->v->file) &&
	       p->v->offset + (p->start - p->v->start) == p->m->offset + (p->start - p->m->start);
}

static bool is_as_in_embryo(const struct part *p)
{
	return p->v && p->e && p->v->prot == p->e->prot && !p->v->shared && p->v->vdso == p->e->vdso &&
	       file_id_equal(&p->v->file, &p->e->file) &&
	       (!p->v->file.ino || p->v->offset - p->v->start == p->e->offset - p->e->start);
}

/* The next run of private pages in the part, cut to it; false if there is none. */
static bool next_own(struct walk *w, const struct part *p, uint64_t from, struct page_run *run)
{
	const struct page_runs *own = w->in->own;

	while (w->own < own->count && own->items[w->own].end <= from)
		w->own++;
	if (from >= p->end || w->own == own->count || own->items[w->own].start >= p->end)
		return false;
	*run = own->items[w->own];
	run->start = run->start > from ? run->start : from;
	run->end = run->end < p->end ? run->end : p->end;
	return true;
}

static bool has_own(struct walk *w, const struct part *p)
{
	struct page_run run;

	return next_own(w, p, p->start, &run);
}

/* ---- parts ---- */

/* It is mapped as it should be: its private pages get the bytes back that they had, or go. */
static int restore(struct walk *w, const struct part *p)
{
	const int writable = PROT_READ | PROT_WRITE;
	bool keep = w->in->keep && (p->v->prot & writable) == writable;
	bool of_layer = p->m && p->m->source != PLAN_ANONYMOUS && p->m->source >= UC_IMAGE_MAX;
	struct page_run run;
	int error = 0;

	for (uint64_t at = p->start; !error && next_own(w, p, at, &run); at = run.end) {
		if (keep && of_layer)
			error = add_of_map(w, p->m, run.start, run.end, PLAN_COPY);
		else
			error = add_plain(w, run.start, run.end,
					  keep && !p->v->file.ino ? PLAN_COPY : PLAN_DISCARD);
	}
	return error;
}

static bool can_be_written_over(const struct part *p)
{
	return p->v && p->v->prot == p->m->prot && p->v->prot & PROT_READ && p->v->prot & PROT_WRITE &&
	       p->m->source != PLAN_ANONYMOUS && p->m->source >= UC_IMAGE_MAX &&
	       p->m->bytes <= COPY_BYTES_MAX;
}

static int put_back(struct walk *w, const struct part *p)
{
	if (p->v && p->v->shared)
		return -EOPNOTSUPP;
	if (!p->m)
		return p->v ? add_plain(w, p->start, p->end, PLAN_UNMAP) : 0;
	if (p->v && p->v->prot == p->m->prot && shows(w->in, p))
		return restore(w, p);
	return add_of_map(w, p->m, p->start, p->end, can_be_written_over(p) ? PLAN_COPY : 0);
}

/* The code that carries out the reset, and what it calls, has to be that of an embryo, to the byte. */
static int check_text(struct walk *w, const struct part *p)
{
	return p->m || !is_as_in_embryo(p) || has_own(w, p) ? -EOPNOTSUPP : 0;
}

static int check_vdso(struct walk *w, const struct part *p)
{
	if (!p->v && !p->e)
		return 0;
	if (!is_as_in_embryo(p) || p->v->start != p->e->start || p->v->end != p->e->end)
		return -EOPNOTSUPP;
	/* Of the pages that are only code, the scan can tell private ones. */
	return p->v->prot & PROT_EXEC && has_own(w, p) ? -EOPNOTSUPP : 0;
}

static int treat(struct walk *w, const struct part *p)
{
	/* The reset maps it anew, and unmaps it. */
	if (is_scratch(p->start))
		return 0;
	if (is_vdso(p->start))
		return check_vdso(w, p);
	if (!is_library_os(p->start))
		return put_back(w, p);
	if (p->e && !(p->e->prot & PROT_WRITE))
		return check_text(w, p);
	if (p->m)
		return put_back(w, p);
	/* As it came with the embryo: a snapshot stores what differs. */
	if (!p->v && !p->e)
		return 0;
	return is_as_in_embryo(p) ? restore(w, p) : -EOPNOTSUPP;
}

/* ---- the walk ---- */

/* Borders between memory that is treated differently. */
static uint64_t next_border(uint64_t addr)
{
	static const uint64_t borders[] = { UC_LIBOS_BASE,  UC_LIBOS_END, UC_SCRATCH_BASE,
					    UC_SCRATCH_END, UC_VDSO_BASE, UC_VDSO_END };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		if (addr < borders[i])
			return borders[i];
	return UC_GUEST_END;
}

static const struct plan_map *map_at(struct walk *w, uint64_t addr, uint64_t *end)
{
	const struct reset_input *in = w->in;
	const struct plan_map *m;

	while (w->map < in->map_count && in->maps[w->map].start + in->maps[w->map].bytes <= addr)
		w->map++;
	if (w->map == in->map_count)
		return NULL;
	m = &in->maps[w->map];
	*end = lower(*end, m->start > addr ? m->start : m->start + m->bytes);
	return m->start > addr ? NULL : m;
}

static const struct vma *vma_at(const struct vma_list *list, size_t *at, uint64_t addr, uint64_t *end)
{
	const struct vma *v;

	while (*at < list->count && list->items[*at].end <= addr)
		(*at)++;
	if (*at == list->count)
		return NULL;
	v = &list->items[*at];
	*end = lower(*end, v->start > addr ? v->start : v->end);
	return v->start > addr ? NULL : v;
}

int reset_plan(const struct reset_input *in, struct reset_list *list, uint64_t *conflict)
{
	struct walk w = { .in = in, .list = list };
	struct part p = { 0 };
	int error = 0;

	for (; !error && p.start < UC_GUEST_END; p.start = p.end) {
		p.end = next_border(p.start);
		p.m = map_at(&w, p.start, &p.end);
		p.v = vma_at(in->now, &w.now, p.start, &p.end);
		p.e = vma_at(in->embryo, &w.embryo, p.start, &p.end);
		*conflict = p.start;
		error = treat(&w, &p);
	}
	return error;
}

void reset_list_free(struct reset_list *list)
{
	free(list->items);
	*list = (struct reset_list){ 0 };
}
