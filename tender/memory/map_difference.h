/* What a snapshot maps otherwise than an ancestor: all that a process with the ancestor's maps has to map. */
#ifndef TENDER_MAP_DIFFERENCE_H
#define TENDER_MAP_DIFFERENCE_H

#include <stddef.h>

#include "abi/plan.h"

struct snapshot;
struct pages;

/* Maps of a snapshot and the sources that their numbers mean. */
struct mapped_snapshot {
	const struct snapshot *snapshot;
	const struct pages *pages;
	const struct plan_map *maps; /* sorted */
	size_t count;
};

/*
 * The parts of child's maps that parent has not, in child's numbering, to be freed; their number.
 * -EXDEV when the parent maps memory that the child does not have.
 */
long map_difference(const struct mapped_snapshot *child, const struct mapped_snapshot *parent,
		    struct plan_map **difference);

/* Gives the pages of s the plan of that difference, once. Both have pages. 0 or -errno. */
int snapshot_find_difference(struct snapshot *s, const struct snapshot *ancestor);

#endif
