#include "capture/capture_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/optimisations.h"
#include "base/sealed.h"
#include "loop/operation.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/spare_layer.h"
#include "plan/layout.h"
#include "plan/page_runs.h"
#include "process/maps.h"
#include "process/page_copy.h"
#include "process/page_buffer.h"
#include "process/pagemap.h"
#include "process/process_read.h"
#include "process/unchanged.h"
#include "tender.h"

/*
 * Fewer mappings make each deploy cheaper, pages that are stored twice make it dearer. A
 * snapshot without parent shares its pages with all descendants, so it may fill larger gaps.
 */
#define FILL_PAGES_ROOT 64
#define FILL_PAGES_CHILD 1
/*
 * Large memory of which single pages were touched would need two mappings for each of them. From so many on
 * it has holes of the layer instead: they count as pages of the snapshot, which together are no more than its
 * UC may have.
 */
#define MAPS_MANY 2048
#define HOLE_PAGES 512

/* Of more pages than that, those that are read ahead are not worth their memory. */
#define STORED_OF_MAX (8 * PAGE_BUFFER_MAX)

static void list_sources(struct capture *c)
{
	const struct pages *mapped = c->uc->pages;

	for (int i = 0; i < c->uc->image_count; i++)
		c->sources[c->source_count++] = (struct layout_source){ c->uc->images[i]->file, (uint16_t)i };
	for (int i = 0; mapped && i < mapped->layer_count; i++)
		c->sources[c->source_count++] =
			(struct layout_source){ mapped->layers[i]->file, (uint16_t)(UC_IMAGE_MAX + i) };
}

static int drop_unchanged(struct capture *c)
{
	const struct pages *mapped = c->uc->pages;
	struct backing files[CAPTURE_SOURCES_MAX];
	size_t count = 0;

	for (int i = 0; i < c->uc->image_count; i++)
		files[count++] =
			(struct backing){ .file = c->uc->images[i]->file, .fd = c->uc->images[i]->fd };
	for (int i = 0; mapped && i < mapped->layer_count; i++) {
		struct layer *l = mapped->layers[i];

		files[count++] = (struct backing){ l->file, l->fd, layer_view(l), l->bytes };
	}
	return unchanged_drop(c->uc->pid, &c->vmas, files, count, &c->own, c->buffer);
}

static int lay_out(struct capture *c, struct layout_input *in)
{
	uint64_t limit = c->uc->memory_limit ? c->uc->memory_limit : UINT64_MAX;
	int error = layout_build(in, &c->layout);

	if (error ? error != -E2BIG : c->layout.map_count <= MAPS_MANY)
		return error;
	layout_free(&c->layout);
	in->hole_pages = HOLE_PAGES;
	error = layout_build(in, &c->layout);
	if (!error && c->layout.layer_bytes <= limit)
		return 0;
	layout_free(&c->layout);
	in->hole_pages = 0;
	return layout_build(in, &c->layout);
}

int capture_lay_out(struct tender *t, struct capture *c)
{
	const struct pages *mapped = c->uc->pages;
	struct layout_input in = {
		.sources = c->sources,
		.libos = t->libos_file,
		.own_source = (uint16_t)(UC_IMAGE_MAX + (mapped ? mapped->layer_count : 0)),
		.fill_pages = mapped ? FILL_PAGES_CHILD : FILL_PAGES_ROOT,
		.fill_ends = !mapped,
	};
	int error;

	c->failed = "memory map";
	error = maps_read(c->uc->pid, &c->vmas);
	if (error)
		return error;
	c->failed = "scan for written pages (Linux 6.7 or newer is needed)";
	error = pagemap_own_runs(c->uc->pid, &c->vmas, &c->own);
	if (error)
		return error;
	list_sources(c);
	c->failed = "reading of its pages";
	c->small = mapped && page_runs_pages(&c->own) <= PAGE_BUFFER_MAX;
	if (page_runs_pages(&c->own) <= STORED_OF_MAX) {
		c->buffer = operation_buffer(sizeof *c->buffer);
		c->buffer->count = 0;
	}
	error = c->small || t->without & OPTIMISATION_UNCHANGED ? 0 : drop_unchanged(c);
	if (error)
		return error;
	/* A lineage too long for one message of descriptors starts anew with one layer. */
	if (mapped && mapped->layer_count == LAYERS_MAX) {
		layout_absorb_layers(&c->vmas, c->sources, c->source_count, &c->own);
		in.own_source = UC_IMAGE_MAX;
	}
	in.source_count = c->source_count;
	in.vmas = c->vmas.items;
	in.vma_count = c->vmas.count;
	in.own = c->own.items;
	in.own_count = c->own.count;
	error = operation_pause_if_due();
	if (error)
		return error;
	c->failed = "memory map: it holds a file or shared memory that no snapshot can";
	error = lay_out(c, &in);
	if (error || !mapped || !t->capture_max || c->layout.layer_bytes <= t->capture_max)
		return error;
	c->failed = "its pages are more than a snapshot may store";
	return -E2BIG;
}

/* Without a detour: the file's pages are mapped already. */
static int copy_to_view(struct capture *c)
{
	const struct layout *l = &c->layout;
	struct iovec *pieces = xcalloc(l->copy_count, sizeof *pieces);
	int error;

	for (size_t i = 0; i < l->copy_count; i++)
		pieces[i] =
			(struct iovec){ (void *)l->copies[i].start, l->copies[i].end - l->copies[i].start };
	error = process_read(c->uc->pid, pieces, (unsigned)l->copy_count, c->layer.view, l->layer_bytes);
	free(pieces);
	return error;
}

static int open_layer(struct tender *t, struct capture *c)
{
	/* What has holes must be written to a file without pages, or they would be none. */
	if (c->layout.layer_bytes == c->layout.own_pages * UC_PAGE_SIZE)
		return spare_layer_take(t, c->layout.layer_bytes, &c->layer);
	c->layer.fd = sealed_create("seuss-layer");
	return c->layer.fd < 0 ? c->layer.fd : 0;
}

int capture_copy_pages(struct tender *t, struct capture *c)
{
	const struct layout *l = &c->layout;
	uint64_t begin = now_ns();
	int error;

	c->failed = "copy of pages";
	error = open_layer(t, c);
	if (error)
		return error;
	if (c->layer.view && c->small)
		error = copy_to_view(c);
	else
		error = page_copy(c->uc->pid, l->copies, l->copy_count, c->buffer, c->layer.fd);
	spare_layer_return_view(t, &c->layer);
	if (!error && ftruncate(c->layer.fd, (off_t)l->layer_bytes) < 0)
		error = -errno;
	c->copy_ns = now_ns() - begin;
	return error;
}
