#include "plan/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "abi/layout.h"
#include "base/base.h"

static bool is_code_or_constant(const struct plan_map *m)
{
	return m->source < UC_IMAGE_MAX && (m->prot | PROT_EXEC) == (PROT_READ | PROT_EXEC);
}

/*
 * What of an image can only be read is joined to code beside it and can be executed then, as it was before
 * linkers kept them apart: it saves a mapping in three of a library. Who wants that has other ways: a guest
 * maps what it likes.
 */
static bool has_prot_of(const struct plan_map *last, const struct plan_map *m)
{
	return last->prot == m->prot || (is_code_or_constant(last) && is_code_or_constant(m));
}

static void add_map(struct layout *l, const struct plan_map *m)
{
	struct plan_map *last = l->map_count ? &l->maps[l->map_count - 1] : NULL;

	if (last && last->start + last->bytes == m->start && last->source == m->source &&
	    has_prot_of(last, m) &&
	    (m->source == PLAN_ANONYMOUS || last->offset + last->bytes == m->offset)) {
		last->bytes += m->bytes;
		last->prot |= m->prot;
		return;
	}
	if (l->map_count == l->map_size) {
		l->map_size = l->map_size ? l->map_size * 2 : 256;
		l->maps = xrealloc(l->maps, l->map_size * sizeof *l->maps);
	}
	l->maps[l->map_count++] = *m;
}

static void add_copy(struct layout *l, uint64_t start, uint64_t end)
{
	struct layout_copy *last = l->copy_count ? &l->copies[l->copy_count - 1] : NULL;

	l->own_pages += (end - start) / UC_PAGE_SIZE;
	if (last && last->end == start && last->offset + (last->end - last->start) == l->layer_bytes) {
		last->end = end;
		return;
	}
	if (l->copy_count == l->copy_size) {
		l->copy_size = l->copy_size ? l->copy_size * 2 : 256;
		l->copies = xrealloc(l->copies, l->copy_size * sizeof *l->copies);
	}
	l->copies[l->copy_count++] = (struct layout_copy){ start, end, l->layer_bytes };
}

/* Maps the next part of the new layer: pages of the UC, or a hole of the file. */
static void add_own(struct layout *l, const struct layout_input *in, const struct vma *v, uint64_t start,
		    uint64_t end, bool hole)
{
	add_map(l, &(struct plan_map){
			   .start = start,
			   .bytes = end - start,
			   .offset = l->layer_bytes,
			   .source = in->own_source,
			   .prot = v->prot,
		   });
	if (!hole)
		add_copy(l, start, end);
	l->layer_bytes += end - start;
}

static const struct layout_source *find_source(const struct layout_input *in, const struct file_id *file)
{
	for (size_t i = 0; i < in->source_count; i++)
		if (file_id_equal(&in->sources[i].file, file))
			return &in->sources[i];
	return NULL;
}

/* Pages that an embryo has before any plan: the library OS's untouched data and heap. */
static bool embryo_has(const struct layout_input *in, const struct vma *v)
{
	return v->start >= UC_LIBOS_BASE && v->end <= UC_LIBOS_END &&
	       (!v->file.ino || file_id_equal(&v->file, &in->libos));
}

static int add_inherited(struct layout *l, const struct layout_input *in, const struct vma *v, uint64_t start,
			 uint64_t end)
{
	struct plan_map m = {
		.start = start, .bytes = end - start, .source = PLAN_ANONYMOUS, .prot = v->prot
	};
	const struct layout_source *source;

	if (start == end || embryo_has(in, v))
		return 0;
	if (v->file.ino) {
		source = find_source(in, &v->file);
		if (!source)
			return -ENOTSUP;
		m.source = source->source;
		m.offset = v->offset + (start - v->start);
		if (source->source >= UC_IMAGE_MAX)
			l->shared_pages += m.bytes / UC_PAGE_SIZE;
	}
	add_map(l, &m);
	return 0;
}

/* What lies in v beside own pages; `between` own pages of it, or at its begin or end. */
static int add_gap(struct layout *l, const struct layout_input *in, const struct vma *v, uint64_t start,
		   uint64_t end, bool between)
{
	uint64_t pages = (end - start) / UC_PAGE_SIZE;
	bool untouched = !v->file.ino && pages && !embryo_has(in, v);

	if (pages <= in->fill_pages && (between || (in->fill_ends && untouched)))
		add_own(l, in, v, start, end, false);
	else if (untouched && pages <= in->hole_pages)
		add_own(l, in, v, start, end, true);
	else
		return add_inherited(l, in, v, start, end);
	return 0;
}

/* Own pages of v from in->own[*next] on; *next moves behind those that end in v. */
static int add_vma(struct layout *l, const struct layout_input *in, const struct vma *v, size_t *next)
{
	uint64_t at = v->start;
	int error = 0;

	while (*next < in->own_count && in->own[*next].end <= v->start)
		(*next)++;
	while (!error && *next < in->own_count && in->own[*next].start < v->end) {
		const struct page_run *run = &in->own[*next];
		uint64_t start = run->start > v->start ? run->start : v->start;
		uint64_t end = run->end < v->end ? run->end : v->end;

		error = add_gap(l, in, v, at, start, at > v->start);
		if (!error)
			add_own(l, in, v, start, end, false);
		at = end;
		if (run->end > v->end)
			break;
		(*next)++;
	}
	if (error)
		return error;
	return at > v->start ? add_gap(l, in, v, at, v->end, false) : add_inherited(l, in, v, at, v->end);
}

/* What every embryo has of its own, and what is no memory of the UC. */
static bool excluded(uint64_t addr)
{
	return (addr >= UC_SCRATCH_BASE && addr < UC_SCRATCH_END) ||
	       (addr >= UC_VDSO_BASE && addr < UC_VDSO_END) || addr >= UC_GUEST_END;
}

/*
 * Where the part of v that is treated alike ends: the kernel joins neighbouring mappings across these
 * borders.
 */
static uint64_t part_end(const struct vma *v)
{
	static const uint64_t borders[] = { UC_LIBOS_BASE, UC_LIBOS_END, UC_SCRATCH_BASE, UC_SCRATCH_END,
					    UC_VDSO_BASE,  UC_VDSO_END,  UC_GUEST_END };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		if (v->start < borders[i])
			return v->end < borders[i] ? v->end : borders[i];
	return v->end;
}

int layout_build(const struct layout_input *in, struct layout *out)
{
	size_t next = 0;

	*out = (struct layout){ 0 };
	for (size_t i = 0; i < in->vma_count; i++) {
		struct vma part = in->vmas[i];

		while (part.start < in->vmas[i].end) {
			int error = 0;

			part.end = part_end(&part);
			if (!excluded(part.start))
				error = part.shared ? -ENOTSUP : add_vma(out, in, &part, &next);
			if (!error && out->map_count > MAPPINGS_MAX)
				error = -E2BIG;
			if (error) {
				out->conflict = part.start;
				return error;
			}
			part.offset += part.end - part.start;
			part.start = part.end;
			part.end = in->vmas[i].end;
		}
	}
	return 0;
}

static bool from_layer(const struct vma *v, const struct layout_source *sources, size_t source_count)
{
	for (size_t i = 0; v->file.ino && i < source_count; i++)
		if (sources[i].source >= UC_IMAGE_MAX && file_id_equal(&sources[i].file, &v->file))
			return true;
	return false;
}

void layout_absorb_layers(const struct vma_list *vmas, const struct layout_source *sources,
			  size_t source_count, struct page_runs *own)
{
	struct page_runs all = { 0 };
	size_t next = 0;

	for (size_t i = 0; i < vmas->count; i++) {
		const struct vma *v = &vmas->items[i];

		if (!from_layer(v, sources, source_count))
			continue;
		for (; next < own->count && own->items[next].start < v->start; next++)
			page_runs_add(&all, own->items[next].start, own->items[next].end);
		page_runs_add(&all, v->start, v->end);
	}
	for (; next < own->count; next++)
		page_runs_add(&all, own->items[next].start, own->items[next].end);
	page_runs_free(own);
	*own = all;
}

void layout_free(struct layout *layout)
{
	free(layout->maps);
	free(layout->copies);
	*layout = (struct layout){ 0 };
}
