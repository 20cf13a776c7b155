/*
 * The memory of a snapshot, as a UC has it that was just deployed from it, and what a given UC has
 * mapped otherwise.
 */
#ifndef TENDER_PRISTINE_H
#define TENDER_PRISTINE_H

#include "../abi/plan.h"
#include "maps.h"
#include "pagemap.h"

/* Sorted, not overlapping. */
struct map_list {
	struct plan_map *items;
	size_t count, size;
};

struct pristine {
	const struct tender *tender;
	const struct snapshot *snapshot;
	struct map_list maps;  /* of its plan */
	struct map_list other; /* of the UC, in the place of those */
};

/* The snapshot has to stay until the close. 0 or -errno. */
int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p);
/*
 * Finds what a UC with that memory map has mapped otherwise: images, other protection, other addresses
 * become p->other (what it has not mapped any more, as memory without access). Appends to runs, sorted, what then may
 * differ besides the UC's own pages. 0 or -errno: -EOPNOTSUPP when it has what no plan can map, -E2BIG when
 * there is too much; then *conflict is where.
 */
int pristine_compare(struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict);
/* Memory from addr on, p->other included, all of it mapped. 0 or -errno, -EFAULT when it is not. */
int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes);
/* The file behind a map of the snapshot, or -1; *id gets its identity, all zero for anonymous memory. */
int pristine_file(const struct pristine *p, const struct plan_map *m, struct file_id *id);
void pristine_close(struct pristine *p);

/* Appends what of runs is memory that a snapshot has a say in: neither scratch nor vDSO. */
void pristine_clip(const struct page_runs *runs, struct page_runs *clipped);

#endif
