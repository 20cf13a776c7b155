/* Memory of the guest and of the library OS. */
#ifndef LIBOS_MM_H
#define LIBOS_MM_H

#include "include/types.h"

struct file;

/*
 * mm/kmalloc.c: memory of the library OS itself; NULL when exhausted. Aligned to 16 bytes,
 * sizes that are a multiple of 64 up to 2048 to 64, and 2049..32768 to a page.
 */
void *kmalloc(size_t bytes);
void *kzalloc(size_t bytes);
void *krealloc(void *p, size_t bytes);
void kfree(void *p);
/*
 * mm/kpages.c: whole zeroed pages outside the small heap (tmpfs data, socket buffers); bytes is rounded up.
 */
void *kpages_alloc(u64 bytes);
void kpages_free(void *p, u64 bytes);

/* mm/vma.c: the guest's mappings, sorted by address, adjacent equal ones merged. */
struct vma {
	struct list_node node;
	u64 start, end;
	u16 prot;   /* PROT_… */
	u8 height;  /* mm/vma_tree.c */
	u8 reserved;
	u32 flags; /* MAP_PRIVATE or MAP_SHARED, MAP_ANONYMOUS, MAP_GROWSDOWN, VMA_… */
	struct file *file; /* counted; NULL for anonymous memory */
	u64 offset;
	const char *name; /* "[heap]", "[stack]", …, or NULL */
	struct vma *parent, *left, *right; /* mm/vma_tree.c */
	u64 gap_max; /* widest hole below a VMA of this subtree */
};
#define VMA_KERNEL 0x80000000u /* library OS memory: the guest may not touch the mapping */

struct vma *vma_find(u64 addr); /* first whose end is above addr, or NULL */
extern struct list_node vma_list;

void mm_init(u64 memory_limit);
void mm_set_limit(u64 memory_limit); /* of a deployed UC; 0: none */
/* As mmap(2) etc.; the address or a negative errno. mm_mmap ignores hints without MAP_FIXED. */
long mm_mmap(u64 addr, u64 bytes, int prot, int flags, struct file *file, u64 offset);
long mm_munmap(u64 addr, u64 bytes);
long mm_mprotect(u64 addr, u64 bytes, int prot);
long mm_brk(u64 addr);
void mm_set_brk_start(u64 addr);
void mm_set_name(u64 addr, const char *name);
u64 mm_resident_estimate(void); /* bytes mapped writable, for /proc and limits */
/* The range lies where guest mappings may: not in the library OS, the images, … */
bool mm_guest_range(u64 addr, u64 bytes);

/*
 * mm/usercopy.c, arch/usercopy.S: guest memory may be unmapped or protected; each returns
 * 0 or -EFAULT (or a length) and never faults. All guest pointers go through these.
 */
int copy_from_user(void *dst, u64 src, u64 bytes);
int copy_to_user(u64 dst, const void *src, u64 bytes);
int clear_user(u64 dst, u64 bytes);
/* Length without the NUL; -EFAULT, or -ENAMETOOLONG if no NUL within size. */
long strncpy_from_user(char *dst, u64 src, u64 size);

static inline int get_user_u32(u32 *v, u64 src)
{
	return copy_from_user(v, src, sizeof *v);
}

static inline int put_user_u32(u64 dst, u32 v)
{
	return copy_to_user(dst, &v, sizeof v);
}

static inline int get_user_u64(u64 *v, u64 src)
{
	return copy_from_user(v, src, sizeof *v);
}

static inline int put_user_u64(u64 dst, u64 v)
{
	return copy_to_user(dst, &v, sizeof v);
}

#endif
