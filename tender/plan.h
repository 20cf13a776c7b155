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

/*
 * The plan of a UC that goes on: the same maps, its registers, and what makes its memory out of the
 * snapshot's (struct plan_change). Its descriptor or -errno.
 */
int plan_write_resuming(int plan_fd, const struct frame_source *frame, const void *changes, size_t change_bytes,
			uint64_t *bytes);

/* The maps of a plan, to be freed; their number or -errno. */
long plan_read_maps(int plan_fd, struct plan_map **maps);

#endif
