/*
 * The memory of a snapshot, as a UC has it that was just deployed from it. Of a compact one it is
 * computed: no pages are made.
 */
#ifndef TENDER_PRISTINE_H
#define TENDER_PRISTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/link.h"
#include "plan/change_index.h"
#include "plan/map_list.h"
#include "plan/page_runs.h"
#include "plan/plan.h"
#include "plan/vma_list.h"

struct tender;
struct image;
struct pages;
struct snapshot;

struct pristine {
	const struct tender *tender;
	struct image *const *images; /* that the maps mean */
	int image_count;
	struct pages *pages; /* whose layers they mean: its own or an ancestor's */
	struct map_list maps;      /* what is mapped */
	struct map_list other;     /* map_compare.h: what a given UC has mapped in the place of those */
	struct plan_view plans[LINK_PLANS_MAX];
	int plan_count;
	struct change_index changes; /* of what is so mapped */
};

/* The snapshot has to stay until the close. 0 or -errno, and closed. */
int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p);
/* Memory from addr on, p->other included, all of it mapped. 0 or -errno, -EFAULT when it is not. */
int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes);
/* The file behind a map of the snapshot, or -1; *id gets its identity, all zero for anonymous memory. */
int pristine_file(const struct pristine *p, const struct plan_map *m, struct file_id *id);
/* One that is closed, or all zero, is allowed. */
void pristine_close(struct pristine *p);

/* Appends its maps as those of a process. */
void pristine_vmas(const struct pristine *p, struct vma_list *list);

/* Appends what of runs is memory that a snapshot has a say in: neither scratch nor vDSO. */
void pristine_clip(const struct page_runs *runs, struct page_runs *clipped);
/* Where the memory that is treated as addr is ends: the library OS, the scratch, the vDSO, or the guest. */
uint64_t pristine_border(uint64_t addr);
bool pristine_holds(uint64_t addr);
bool pristine_in_libos(uint64_t addr);

#endif
