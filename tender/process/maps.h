/*
 * The memory map of a process, as /proc/PID/maps gives it: by query where the host has that, else as text. A
 * map of many mappings is read in steps: operation.h.
 */
#ifndef TENDER_MAPS_H
#define TENDER_MAPS_H

#include <sys/types.h>

#include "plan/vma_list.h"

/* Appends what text (NUL-ended) describes. 0 or -EINVAL. */
int maps_parse(const char *text, struct vma_list *list);
/*
 * All of a process. 0 or -errno: -E2BIG when it has more than MAPPINGS_MAX, of which the rest are not looked
 * at.
 */
int maps_read(pid_t pid, struct vma_list *list);
/* The mapping that holds addr. 0 or -errno: -ENOENT when there is none. */
int maps_read_one(pid_t pid, uint64_t addr, struct vma *v);

#endif
