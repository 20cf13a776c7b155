/*
 * What has to be done to a UC that has run so that its memory is that of its snapshot again. Pure: touches no
 * process.
 */
#ifndef TENDER_RESET_PLAN_H
#define TENDER_RESET_PLAN_H

#include "abi/plan.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"

struct reset_input {
	const struct plan_map *maps; /* of the snapshot */
	size_t map_count;
	const struct file_id *images, *layers; /* what the maps' sources are */
	int image_count, layer_count;
	const struct vma_list *embryo; /* what every embryo has mapped of the library OS and the vDSO */
	const struct vma_list *now;    /* the UC's memory map, and its private pages */
	const struct page_runs *own;
	bool keep; /* write private pages back in place, since the next run needs them; else let go of them */
};

struct reset_list {
	struct plan_map *items;
	size_t count, size;
};

/*
 * Appends the maps of the plan, sorted. 0 or -errno, and *conflict says where: -EOPNOTSUPP when the library
 * OS's text or the host's vDSO is not what an embryo has, or what is mapped cannot be judged; -E2BIG.
 */
int reset_plan(const struct reset_input *in, struct reset_list *list, uint64_t *conflict);
void reset_list_free(struct reset_list *list);

#endif
