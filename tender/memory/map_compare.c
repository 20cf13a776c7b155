#include "memory/map_compare.h"

#include <errno.h>

#include "abi/layout.h"
#include "base/number.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "tender.h"

/* What has changed more is not worth a plan of its own. */
#define OTHER_MAPS_MAX 1024
/* So many pages of the snapshot that became zero cost less as a mapping than as words. */
#define ZEROED_PAGES_MIN 2

struct comparison {
	struct pristine *p;
	struct page_runs *runs;
};

/* What is mapped in a place, now and in the snapshot; NULL where nothing is. */
struct pair {
	const struct vma *v;
	const struct plan_map *m;
};

static bool same_source(const struct pristine *p, const struct pair *at, uint64_t addr)
{
	struct file_id id;

	if (!at->m)
		return !at->v->file.ino || file_id_equal(&at->v->file, &p->tender->libos_file);
	pristine_file(p, at->m, &id);
	if (!id.ino || !at->v->file.ino)
		return id.ino == at->v->file.ino;
	return file_id_equal(&id, &at->v->file) &&
	       at->v->offset + (addr - at->v->start) == at->m->offset + (addr - at->m->start);
}

/* Window of the image that a mapping shows, or -1. */
static int image_of(const struct pristine *p, const struct vma *v)
{
	for (int i = 0; v && v->file.ino && i < p->image_count; i++)
		if (file_id_equal(&p->images[i]->file, &v->file))
			return i;
	return -1;
}

/* ---- what may not be zero ---- */

/* Holes of a layer read as zero, as untouched anonymous memory does. */
static int add_data(struct layer *layer, uint64_t offset, uint64_t start, uint64_t end,
		    struct page_runs *runs)
{
	uint64_t offset_end = offset + (end - start);
	const struct page_runs *data;
	int error = layer_data(layer, &data);

	if (error)
		return error;
	for (size_t i = page_runs_find(data, offset); i < data->count && data->items[i].start < offset_end;
	     i++) {
		const struct page_run *run = &data->items[i];
		uint64_t from = run->start > offset ? run->start : offset;

		page_runs_add(runs, start + (from - offset), start + (lower(run->end, offset_end) - offset));
	}
	return 0;
}

static int add_data_of_map(const struct pristine *p, const struct plan_map *m, uint64_t start, uint64_t end,
			   struct page_runs *runs)
{
	int layer = m->source - UC_IMAGE_MAX;

	if (m->source == PLAN_ANONYMOUS)
		return 0;
	if (layer >= 0 && layer < p->pages->layer_count)
		return add_data(p->pages->layers[layer], m->offset + (start - m->start), start, end, runs);
	page_runs_add(runs, start, end);
	return 0;
}

static int add_data_of_vma(const struct pristine *p, const struct vma *v, uint64_t start, uint64_t end,
			   struct page_runs *runs)
{
	struct layer *layer;

	if (!v->file.ino)
		return 0;
	layer = layer_find(p->tender, &v->file);
	if (layer)
		return add_data(layer, v->offset + (start - v->start), start, end, runs);
	page_runs_add(runs, start, end);
	return 0;
}

/* Pages that the snapshot's words change. */
static void add_changed(const struct pristine *p, uint64_t start, uint64_t end, struct page_runs *runs)
{
	for (size_t i = change_index_find(&p->changes, start);
	     i < p->changes.count && p->changes.items[i].addr < end; i++)
		page_runs_add(runs, p->changes.items[i].addr, p->changes.items[i].addr + UC_PAGE_SIZE);
}

static int add_data_of_snapshot(const struct pristine *p, const struct plan_map *m, uint64_t start,
				uint64_t end, struct page_runs *runs)
{
	struct page_runs mapped = { 0 }, changed = { 0 };
	int error = m ? add_data_of_map(p, m, start, end, &mapped) : 0;

	add_changed(p, start, end, &changed);
	page_runs_join(&mapped, &changed, runs);
	page_runs_free(&mapped);
	page_runs_free(&changed);
	return error;
}

static void add_runs(struct page_runs *to, const struct page_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		page_runs_add(to, runs->items[i].start, runs->items[i].end);
}

/* ---- differences ---- */

static int add_other(struct comparison *c, const struct plan_map *m)
{
	map_list_add(&c->p->other, m);
	return c->p->other.count > OTHER_MAPS_MAX ? -E2BIG : 0;
}

/* In the place of what the snapshot has comes other memory: v's image, or zero and then v's data. */
static int replace(struct comparison *c, const struct pair *at, uint64_t start, uint64_t end)
{
	struct plan_map m = { .start = start,
			      .bytes = end - start,
			      .source = PLAN_ANONYMOUS,
			      .prot = at->v ? at->v->prot : 0 };
	int image = image_of(c->p, at->v), error = 0;

	if (image >= 0) {
		m.source = (uint16_t)image;
		m.offset = at->v->offset + (start - at->v->start);
	} else if (at->v) {
		error = add_data_of_vma(c->p, at->v, start, end, c->runs);
	}
	return error ? error : add_other(c, &m);
}

static bool is_zeroed(const struct pair *at, uint64_t start)
{
	return at->m && !at->v->file.ino && !pristine_in_libos(start);
}

/* The memory of the snapshot stays; its pages are looked at, and v's. */
static int look(struct comparison *c, const struct pair *at, uint64_t start, uint64_t end)
{
	struct page_runs before = { 0 }, now = { 0 }, both = { 0 };
	int error = add_data_of_snapshot(c->p, at->m, start, end, &before);
	bool zeroed = is_zeroed(at, start) && page_runs_pages(&before) >= ZEROED_PAGES_MIN;

	if (!error && !zeroed)
		error = add_data_of_vma(c->p, at->v, start, end, &now);
	page_runs_join(&before, &now, &both);
	if (zeroed && !error)
		error = replace(c, at, start, end);
	else
		add_runs(c->runs, &both);
	page_runs_free(&before);
	page_runs_free(&now);
	page_runs_free(&both);
	return error;
}

/* Both sides have memory there, with another protection. */
static int protect(struct comparison *c, const struct pair *at, uint64_t start, uint64_t end)
{
	struct plan_map m = {
		.start = start, .bytes = end - start, .prot = at->v->prot, .flags = PLAN_PROTECT
	};
	int error;

	if (same_source(c->p, at, start)) {
		add_changed(c->p, start, end, c->runs);
		return add_other(c, &m);
	}
	if (is_zeroed(at, start))
		return replace(c, at, start, end);
	error = add_other(c, &m);
	return error ? error : look(c, at, start, end);
}

/* [start, end) is treated alike and, if mapped, of one mapping and one map. */
static int compare_part(struct comparison *c, const struct pair *at, uint64_t start, uint64_t end)
{
	bool in_libos = pristine_in_libos(start);

	if (!pristine_holds(start))
		return 0;
	if (!at->v && !at->m) {
		add_changed(c->p, start, end, c->runs);
		return 0;
	}
	if ((at->v && at->v->shared) || (in_libos && (!at->v || (at->m && at->m->prot != at->v->prot))))
		return -EOPNOTSUPP;
	if (!at->v || (!at->m && !in_libos))
		return replace(c, at, start, end);
	if (image_of(c->p, at->v) >= 0 && !same_source(c->p, at, start))
		return replace(c, at, start, end);
	if (at->m && at->m->prot != at->v->prot)
		return protect(c, at, start, end);
	if (!same_source(c->p, at, start))
		return look(c, at, start, end);
	add_changed(c->p, start, end, c->runs);
	return 0;
}

int map_compare(struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict)
{
	struct comparison c = { .p = p, .runs = runs };
	uint64_t start = 0, end;
	size_t v = 0;
	int error = 0;

	for (; !error && start < UC_GUEST_END; start = end) {
		struct pair at = { 0 };

		*conflict = start;
		end = pristine_border(start);
		at.m = map_list_at(&p->maps, start, &end);
		while (v < vmas->count && vmas->items[v].end <= start)
			v++;
		if (v < vmas->count && vmas->items[v].start <= start)
			at.v = &vmas->items[v];
		if (v < vmas->count)
			end = lower(end, at.v ? at.v->end : vmas->items[v].start);
		error = compare_part(&c, &at, start, end);
		if (!error)
			error = operation_pause_if_due();
	}
	return error;
}
