/* The plan file of a snapshot (abi/plan.h). */
#ifndef TENDER_PLAN_H
#define TENDER_PLAN_H

#include "frame.h"
#include "layout.h"

/* A sealed memory file with the plan; its descriptor or -errno. *bytes gets its size. */
int plan_write(const struct layout *layout, const struct frame_source *frame, uint64_t clock_monotonic_ns,
	       uint64_t *bytes);

/* The same plan with other maps, for processes that have the rest already; its descriptor or -errno. */
int plan_write_other(int plan_fd, const struct plan_map *maps, size_t count, uint64_t *bytes);

/* What a UC that goes on has of its own. */
struct plan_resumed {
	const struct frame_source *frame;
	const struct plan_map *maps; /* in the place of the snapshot's, carried out after them */
	size_t map_count;
	const char *changes; /* struct plan_change and so on */
	size_t change_bytes;
};

/* The plan of plan_fd, which is for a clone, made one for that UC; its descriptor or -errno. */
int plan_write_resumed(int plan_fd, const struct plan_resumed *resumed, uint64_t *bytes);

/* The maps of a plan, to be freed; their number or -errno. */
long plan_read_maps(int plan_fd, struct plan_map **maps);

#endif
