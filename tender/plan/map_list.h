/* Lists of struct plan_map: sorted by address, not overlapping. Pure: touches no process. */
#ifndef TENDER_MAP_LIST_H
#define TENDER_MAP_LIST_H

#include <stddef.h>

#include "abi/plan.h"

struct map_list {
	struct plan_map *items;
	size_t count, size;
};

static inline uint64_t plan_map_end(const struct plan_map *m)
{
	return m->start + m->bytes;
}

/* Appends; what goes on where the last one ends, in the same way, makes that longer. */
void map_list_add(struct map_list *list, const struct plan_map *m);
/* The first that ends behind addr, or NULL. */
const struct plan_map *map_list_find(const struct map_list *list, uint64_t addr);
/* The one that holds addr, or NULL; *end gets the end of what it says about, if that is lower. */
const struct plan_map *map_list_at(const struct map_list *list, uint64_t addr, uint64_t *end);
/* Makes list what is mapped once the maps of over were carried out on top of it. */
void map_list_overlay(struct map_list *list, const struct plan_map *over, size_t count);
void map_list_free(struct map_list *list);

#endif
