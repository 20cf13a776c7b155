/* What a process has mapped, as a list. Pure: touches no process. */
#ifndef TENDER_VMA_LIST_H
#define TENDER_VMA_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file_id.h"

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
 * A UC with more mappings is neither captured nor reset nor demoted: reading one costs the tender half a
 * microsecond, and each deploy, fork and end of a clone as much. Programs have a few hundred, Node.js with
 * mathjs 1,132 in its snapshot; a WebAssembly memory adds three.
 */
#define MAPPINGS_MAX 8192u

/* Appends; what goes on where the last one ends, in the same way, makes that longer. */
void vma_list_add(struct vma_list *list, const struct vma *v);
/* The mapping that holds addr, or NULL. */
const struct vma *vma_list_find(const struct vma_list *list, uint64_t addr);
void vma_list_free(struct vma_list *list);

#endif
