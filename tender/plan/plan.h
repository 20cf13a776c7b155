/* Plan files (abi/plan.h). */
#ifndef TENDER_PLAN_H
#define TENDER_PLAN_H

#include "plan/frame.h"
#include "plan/layout.h"

/* A sealed memory file with the plan of a snapshot; its descriptor or -errno. *bytes gets its size. */
int plan_write(const struct layout *layout, const struct frame_source *frame, uint64_t clock_monotonic_ns,
	       uint64_t *bytes);

/* The same plan with other maps, for processes that have the rest already; its descriptor or -errno. */
int plan_write_other(int plan_fd, const struct plan_map *maps, size_t count, uint64_t *bytes);

/* What makes other memory of that of a snapshot. */
struct plan_difference {
	const struct plan_map *maps;
	size_t map_count;
	const char *changes; /* struct plan_change and so on */
	size_t change_bytes;
};

/* The plan of a compact snapshot, with the registers of plan_fd; a descriptor or -errno. */
int plan_write_compact(int plan_fd, const struct plan_difference *difference, uint64_t *bytes);

/* The plan of a UC that goes on; a descriptor or -errno. */
int plan_write_resumed(const struct plan_difference *difference, const struct frame_source *frame,
		       uint64_t clock_monotonic_ns, uint64_t *bytes);

struct plan_file {
	int fd;
	uint64_t bytes;
};

/* A plan file in memory. */
struct plan_view {
	const struct plan *head;
	uint64_t bytes;
	const struct plan_map *maps; /* head->map_count */
	const char *changes;         /* head->changes_bytes */
};

/* Maps one that a tender has written, or has checked (plan_check.h). 0 or -errno. */
int plan_open(int plan_fd, struct plan_view *view);
/* The same of a part of a file, from the page at offset on. */
int plan_open_at(int fd, uint64_t offset, uint64_t bytes, struct plan_view *view);
/* One that was not opened, all zero, is allowed. */
void plan_close(struct plan_view *view);

/* The maps of a plan, to be freed; their number or -errno. */
long plan_read_maps(int plan_fd, struct plan_map **maps);

#endif
