#include "hydrate.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "layer.h"
#include "layout.h"
#include "page_delta.h"
#include "pages.h"
#include "plan.h"
#include "pristine.h"
#include "sealed.h"
#include "snapshot.h"

/* As for a capture: capture.c. */
#define FILL_PAGES 1
#define HOLE_PAGES 2048
#define CHUNK_PAGES 64
#define SOURCES_MAX (UC_IMAGE_MAX + LAYERS_MAX)

struct hydration {
	struct pristine memory;
	struct vma_list vmas;
	struct page_runs own;
	struct layout_source sources[SOURCES_MAX];
	size_t source_count;
	struct layout layout;
};

static void list_sources(struct hydration *h)
{
	const struct pristine *m = &h->memory;

	for (int i = 0; i < m->image_count; i++)
		h->sources[h->source_count++] = (struct layout_source){ m->images[i]->file, (uint16_t)i };
	for (int i = 0; i < m->pages->layer_count; i++)
		h->sources[h->source_count++] =
			(struct layout_source){ m->pages->layers[i]->file, (uint16_t)(UC_IMAGE_MAX + i) };
}

/* The library OS's data is in every embryo; a page of it that words change has to be mapped. */
static void add_libos_vmas(struct hydration *h)
{
	struct vma_list *list = &h->vmas, all = { 0 };
	size_t next = 0;

	for (size_t i = 0; i < h->own.count; i++) {
		const struct page_run *run = &h->own.items[i];

		for (uint64_t at = run->start; at < run->end; at += UC_PAGE_SIZE) {
			if (!pristine_in_libos(at) || maps_find(list, at))
				continue;
			while (next < list->count && list->items[next].start < at)
				vma_list_add(&all, &list->items[next++]);
			vma_list_add(&all, &(struct vma){ at, at + UC_PAGE_SIZE, .prot = PROT_READ | PROT_WRITE });
		}
	}
	while (next < list->count)
		vma_list_add(&all, &list->items[next++]);
	vma_list_free(list);
	*list = all;
}

static int lay_out(const struct tender *t, struct hydration *h)
{
	const struct change_index *changes = &h->memory.changes;
	struct layout_input in = {
		.sources = h->sources,
		.libos = t->libos_file,
		.own_source = (uint16_t)(UC_IMAGE_MAX + h->memory.pages->layer_count),
		.fill_pages = FILL_PAGES,
		.hole_pages = HOLE_PAGES,
	};

	if (h->memory.pages->layer_count == LAYERS_MAX)
		return -E2BIG;
	list_sources(h);
	pristine_vmas(&h->memory, &h->vmas);
	for (size_t i = 0; i < changes->count; i++)
		page_runs_add(&h->own, changes->items[i].addr, changes->items[i].addr + UC_PAGE_SIZE);
	add_libos_vmas(h);
	in.source_count = h->source_count;
	in.vmas = h->vmas.items;
	in.vma_count = h->vmas.count;
	in.own = h->own.items;
	in.own_count = h->own.count;
	return layout_build(&in, &h->layout);
}

static int write_run(const struct hydration *h, const struct layout_copy *run, int fd)
{
	static char buffer[CHUNK_PAGES * UC_PAGE_SIZE];
	uint64_t at = run->start, bytes;
	int error = 0;

	for (; !error && at < run->end; at += bytes) {
		bytes = run->end - at < sizeof buffer ? run->end - at : sizeof buffer;
		error = pristine_read(&h->memory, at, buffer, bytes);
		if (!error)
			error = pwrite_all(fd, buffer, bytes, run->offset + (at - run->start));
	}
	return error;
}

static int write_layer(struct tender *t, const struct hydration *h, struct layer **layer)
{
	int fd = sealed_create("seuss-layer"), error = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; !error && i < h->layout.copy_count; i++)
		error = write_run(h, &h->layout.copies[i], fd);
	if (!error && ftruncate(fd, (off_t)h->layout.layer_bytes) < 0)
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	fd = sealed_finish(fd);
	return fd < 0 ? fd : layer_adopt(t, fd, layer);
}

static int make_pages(struct tender *t, struct snapshot *s, const struct hydration *h)
{
	const struct pages *from = h->memory.pages;
	struct layer *own;
	struct pages *made;
	uint64_t bytes;
	int plan, error = write_layer(t, h, &own);

	if (error)
		return error;
	plan = plan_write_other(s->words_fd, h->layout.maps, h->layout.map_count, &bytes);
	if (plan < 0) {
		layer_put(own);
		return plan;
	}
	made = pages_new(plan, bytes);
	for (int i = 0; i < from->layer_count; i++)
		pages_add_layer(made, layer_get(from->layers[i]));
	pages_add_layer(made, own);
	s->pages = made;
	return 0;
}

int hydrate(struct tender *t, struct snapshot *s)
{
	struct hydration h = { 0 };
	int error;

	if (s->pages)
		return 0;
	error = pristine_open(t, s, &h.memory);
	if (!error)
		error = lay_out(t, &h);
	if (!error)
		error = make_pages(t, s, &h);
	pristine_close(&h.memory);
	vma_list_free(&h.vmas);
	page_runs_free(&h.own);
	layout_free(&h.layout);
	return error;
}

void dehydrate(struct snapshot *s)
{
	if (!snapshot_is_compact(s))
		return;
	pages_put(s->pages);
	s->pages = NULL;
}
