/* The memory map of a process, as /proc/PID/maps gives it: by query where the host has that, else as text. */
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

/* Appends what text (NUL-ended) describes. 0 or -EINVAL. */
int maps_parse(const char *text, struct vma_list *list);
int maps_read(pid_t pid, struct vma_list *list);
/* The mapping that holds addr. 0 or -errno: -ENOENT when there is none. */
int maps_read_one(pid_t pid, uint64_t addr, struct vma *v);
/* The mapping that holds addr, or NULL. */
const struct vma *maps_find(const struct vma_list *list, uint64_t addr);
void vma_list_add(struct vma_list *list, const struct vma *v);
void vma_list_free(struct vma_list *list);

#endif
