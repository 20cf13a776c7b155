/* From a UC's memory map and its own pages to the map of a deploy plan. Pure: touches no process. */
#ifndef TENDER_LAYOUT_H
#define TENDER_LAYOUT_H

#include "abi/plan.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"

/* A file that a plan may map, and the number it has there. */
struct layout_source {
	struct file_id file;
	uint16_t source;
};

struct layout_input {
	const struct vma *vmas;
	size_t vma_count;
	const struct page_run *own; /* private pages, sorted */
	size_t own_count;
	const struct layout_source *sources;
	size_t source_count;
	uint16_t own_source;    /* number of the new layer */
	struct file_id libos;   /* every embryo has its clean pages already */
	unsigned fill_pages;    /* own runs of one mapping this close are stored as one, with what lies
	                           between */
	bool fill_ends;         /* and so is untouched anonymous memory before the first and behind the last
	                           of a mapping */
	/*
	 * Untouched anonymous memory beside own pages, up to this much at a time, becomes a hole of the
	 * layer: it stores nothing and saves a mapping. But whoever first touches a page of it, and be it to
	 * read, gives the layer a zeroed page, which no memory limit counts: so a hole has to be counted as
	 * if its pages were there. 0: there are none.
	 */
	unsigned hole_pages;
};

/* A run of pages and where the layer file has it. */
struct layout_copy {
	uint64_t start, end, offset;
};

struct layout {
	struct plan_map *maps;
	size_t map_count, map_size;
	struct layout_copy *copies; /* what the new layer holds, in file order */
	size_t copy_count, copy_size;
	uint64_t layer_bytes; /* holes included */
	uint64_t own_pages, shared_pages;
	uint64_t conflict; /* with an error: address of the mapping at fault */
};

/*
 * 0 or -errno: -ENOTSUP when a mapping is shared or of a file that is no source, -E2BIG when the plan has
 * more maps than MAPPINGS_MAX: a clone with them could not be captured or reset.
 */
int layout_build(const struct layout_input *in, struct layout *out);
/* Makes own what is mapped from layers (sources from UC_IMAGE_MAX on), so that a plan needs none of them. */
void layout_absorb_layers(const struct vma_list *vmas, const struct layout_source *sources,
			  size_t source_count, struct page_runs *own);
void layout_free(struct layout *layout);

#endif
