/* Whole pages for the library OS, out of the guest's arena, so that the two lie densely together. */
#include <linux/mman.h>

#include "host/host.h"
#include "include/upcalls.h"
#include "vma.h"

void *kpages_alloc(u64 bytes)
{
	const u32 prot = PROT_READ | PROT_WRITE;
	struct vma *v;
	u64 addr;

	bytes = mm_page_bytes(bytes);
	addr = bytes && mm_within_limit(bytes) ? mm_pick_address(bytes, PAGE_SIZE, false) : 0;
	if (!addr)
		return NULL;
	v = vma_new(addr, addr + bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | VMA_KERNEL, NULL, 0);
	if (!v)
		return NULL;
	if (vma_back(v) < 0) {
		vma_free(v);
		return NULL;
	}
	vma_link(v);
	vma_merge(addr, addr + bytes);
	return (void *)addr;
}

void kpages_free(void *p, u64 bytes)
{
	u64 start = (u64)p, end = start + PAGE_UP(bytes);
	struct vma *v;

	if (!p)
		return;
	v = vma_find(start);
	if (!v || v->start > start || v->end < end || !(v->flags & VMA_KERNEL) || start >= end)
		panic("kpages_free of %p, %lu bytes, which kpages_alloc did not give", p, bytes);
	/* Without memory to split the VMA, the pages stay mapped and reserved, but lose their contents. */
	if (vma_cut(v, start, end))
		host_discard(start, end - start);
	else
		host_munmap(start, end - start);
}
