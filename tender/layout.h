/* From a UC's memory map and its own pages to the map of a deploy plan. Pure: touches no process. */
#ifndef TENDER_LAYOUT_H
#define TENDER_LAYOUT_H

#include "../abi/plan.h"
#include "maps.h"
#include "pagemap.h"

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
	unsigned fill_pages;    /* own runs of one mapping this close are stored as one, with what lies between */
};

struct layout {
	struct plan_map *maps;
	size_t map_count, map_size;
	struct page_runs copies; /* what the new layer holds, in file order */
	uint64_t own_pages, shared_pages;
	uint64_t conflict; /* with an error: address of the mapping at fault */
};

/*
 * 0 or -errno: -ENOTSUP when a mapping is shared or of a file that is no source, -E2BIG when the plan has too many maps.
 */
int layout_build(const struct layout_input *in, struct layout *out);
/* Makes own what is mapped from layers (sources from UC_IMAGE_MAX on), so that a plan needs none of them. */
void layout_absorb_layers(const struct vma_list *vmas, const struct layout_source *sources, size_t source_count,
			  struct page_runs *own);
void layout_free(struct layout *layout);

#endif
