/* The memory of a snapshot, as a UC has it that was just deployed from it. */
#ifndef TENDER_PRISTINE_H
#define TENDER_PRISTINE_H

#include "../abi/plan.h"
#include "maps.h"
#include "pagemap.h"

struct pristine {
	const struct tender *tender;
	const struct snapshot *snapshot;
	struct plan_map *maps; /* sorted */
	size_t count;
};

/* The snapshot has to stay until the close. 0 or -errno. */
int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p);
/* Memory from addr on, all of it mapped. 0 or -errno, -EFAULT when it is not. */
int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes);
/*
 * Appends to runs, sorted, what may differ in a UC with that memory map besides its own
 * pages: where the two have other files mapped. 0 or -errno: -EOPNOTSUPP when other
 * addresses are mapped, or otherwise protected; then *conflict is where.
 */
int pristine_compare(const struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict);
void pristine_close(struct pristine *p);

/* Appends what of runs is memory that a snapshot has a say in: neither scratch nor vDSO. */
void pristine_clip(const struct page_runs *runs, struct page_runs *clipped);

#endif
