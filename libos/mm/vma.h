/* What the files of mm/ share among themselves. */
#ifndef LIBOS_MM_VMA_H
#define LIBOS_MM_VMA_H

#include "mm.h"

/* mm/vma_tree.c: the bare ordered set; keeps vma_list and the tree in step. ---------- */

void vma_tree_insert(struct vma *v); /* must not overlap another */
void vma_tree_remove(struct vma *v);
void vma_tree_set_bounds(struct vma *v, u64 start, u64 end); /* order must not change */
struct vma *vma_next(const struct vma *v); /* or NULL */
/* Lowest hole of bytes in [low, high) at a multiple of align (a power of two); 0 if there is none. */
u64 vma_tree_hole(u64 low, u64 high, u64 bytes, u64 align);

/* mm/vma.c ----------------------------------------------------------------------------- */

/* Not yet in the set; takes a reference of its own to file. NULL when memory is short. */
struct vma *vma_new(u64 start, u64 end, u32 prot, u32 flags, struct file *file, u64 offset);
void vma_free(struct vma *v); /* not in the set; may free further memory by way of the file */
void vma_link(struct vma *v);
void vma_unlink(struct vma *v);
void vma_set_prot(struct vma *v, u32 prot);
/* Splits the guest's VMAs that cross start or end. 0 or -ENOMEM. */
int vma_isolate(u64 start, u64 end);
/* Unlinks and frees the guest's VMAs in an isolated range; the host's mappings are the caller's affair. */
void vma_drop(u64 start, u64 end);
/* Takes start..end out of v, which has no file and holds all of it. 0 or -ENOMEM. */
int vma_cut(struct vma *v, u64 start, u64 end);
/* Joins equal neighbours in and around the range. */
void vma_merge(u64 start, u64 end);
/* Names what the guest has mapped in the range; the name is not copied. */
void vma_name_range(u64 start, u64 end, const char *name);
/* The guest's VMA that holds addr, or NULL (hole or library OS memory). */
struct vma *vma_guest_at(u64 addr);
/* Whether any VMA, the library OS's included, lies in the range. */
bool vma_overlaps(u64 start, u64 end);
bool vma_kernel_overlaps(u64 start, u64 end);
/* bytes more of private writable memory stay within the limit. */
bool mm_within_limit(u64 bytes);
bool vma_counts(u32 prot, u32 flags); /* against the limit */

/* mm/region.c: where mappings go. -------------------------------------------------------- */

u64 mm_pick_address(u64 bytes, u64 align, bool below_2g); /* 0: none */
u64 mm_region_end(u64 addr); /* of the region of guest addresses that holds addr */
/* PAGE_UP(bytes) without overflow, or 0. */
u64 mm_page_bytes(u64 bytes);
/* 0, or how Linux refuses a range as target of a fixed mapping. */
long mm_check_fixed(u64 addr, u64 bytes);

/* mm/backing.c ----------------------------------------------------------------------------- */

/*
 * Maps what v describes over the whole of it, replacing what the host has there: zeroed
 * pages, or the file's, inaccessible from the end of the file on. Returns where the memory is: v->start, or
 * elsewhere if the file has shared pages of its own; or a negative errno.
 */
long vma_back(const struct vma *v);
/* As vma_back for start..end of v only. */
long vma_back_part(const struct vma *v, u64 start, u64 end);

/* mm/shared.c: the guest's windows on pages that belong to a file (MAP_SHARED of tmpfs). ---- */

int shared_add(u64 start, const struct vma *v); /* v's window, at start; 0 or -ENOMEM */
void shared_remove(u64 start, u64 end);
/* End of the window that holds addr, or 0. */
u64 shared_end(u64 addr);
/* mremap(2) of a window, without MREMAP_FIXED: its address or a negative errno, -EFAULT if there is none. */
long shared_resize(u64 addr, u64 old_bytes, u64 new_bytes, bool may_move);

/* mm/munmap.c ------------------------------------------------------------------------------- */

/* First address in [addr, end) that the guest has not mapped, or end. */
u64 mm_mapped_until(u64 addr, u64 end);

#endif
