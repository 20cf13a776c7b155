/* Which changes make a page of what is mapped there, over several plans. Pure: touches no process. */
#ifndef TENDER_CHANGE_INDEX_H
#define TENDER_CHANGE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "abi/plan.h"

struct indexed_change {
	uint64_t addr;      /* of the page */
	const char *record; /* struct plan_change and so on, in the plan */
};

/* Sorted by address; of one page those of the earlier plan first. */
struct change_index {
	struct indexed_change *items;
	size_t count, size;
};

/*
 * Adds a plan that is carried out after those before: what it maps anew hides their changes there. changes,
 * which are sound (page_changes.h), have to stay.
 */
void change_index_add(struct change_index *index, const struct plan_map *maps, size_t map_count,
		      const char *changes, size_t change_bytes);
/* The first change at addr or behind it; index->count if there is none. */
size_t change_index_find(const struct change_index *index, uint64_t addr);
void change_index_free(struct change_index *index);

#endif
