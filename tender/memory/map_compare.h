/* What a UC, or another snapshot, has mapped otherwise than a snapshot. */
#ifndef TENDER_MAP_COMPARE_H
#define TENDER_MAP_COMPARE_H

#include "memory/pristine.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"

/*
 * Finds what memory with that map has mapped otherwise: images, other protection, other addresses become
 * p->other (what is not mapped any more, as memory without access). Appends to runs, sorted, what then may
 * differ besides a UC's own pages. 0 or -errno: -EOPNOTSUPP when it has what no plan can map, -E2BIG when
 * there is too much; then *conflict is where.
 */
int map_compare(struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict);

#endif
