/*
 * The memory map of a process, as /proc/PID/maps gives it: by query where the host has that, else as text. A map of many
 * mappings is read in steps: operation.h.
 */
#ifndef TENDER_MAPS_H
#define TENDER_MAPS_H

#include "context.h"

struct vma {
	uint64_t start, end;
	uint64_t offset; /* in file */
	struct file_id file; /* ino 0: anonymous */
	uint16_t prot;
	bool shared;
	bool vdso; /* a part of the host's vDSO, which no process can make */
};

/* Sorted by address. */
struct vma_list {
	struct vma *items;
	size_t count, size;
};

/*
 * A UC with more mappings is neither captured nor reset nor demoted: reading one costs the tender half a microsecond, and
 * each deploy, fork and end of a clone as much. Programs have a few hundred, Node.js with mathjs 1,132 in its
 * snapshot; a WebAssembly memory adds three.
 */
#define MAPPINGS_MAX 8192u

/* Appends what text (NUL-ended) describes. 0 or -EINVAL. */
int maps_parse(const char *text, struct vma_list *list);
/* All of a process. 0 or -errno: -E2BIG when it has more than MAPPINGS_MAX, of which the rest are not looked at. */
int maps_read(pid_t pid, struct vma_list *list);
/* The mapping that holds addr. 0 or -errno: -ENOENT when there is none. */
int maps_read_one(pid_t pid, uint64_t addr, struct vma *v);
/* The mapping that holds addr, or NULL. */
const struct vma *maps_find(const struct vma_list *list, uint64_t addr);
void vma_list_add(struct vma_list *list, const struct vma *v);
void vma_list_free(struct vma_list *list);

#endif
