/* Which addresses the guest's mappings may have, and which of them a new one gets. */
#include <asm/errno.h>

#include "abi/layout.h"
#include "vma.h"

#define BELOW_2G 0x80000000ul /* MAP_32BIT */

static const struct region {
	u64 start, end;
} regions[] = {
	{ UC_PATCH_END, UC_LIBOS_BASE },
	{ UC_ARENA_BASE, UC_IMAGE_BASE },
};

u64 mm_region_end(u64 addr)
{
	for (u32 i = 0; i < ARRAY_SIZE(regions); i++)
		if (addr >= regions[i].start && addr < regions[i].end)
			return regions[i].end;
	return 0;
}

bool mm_guest_range(u64 addr, u64 bytes)
{
	u64 end = mm_region_end(addr);

	return end && bytes <= end - addr;
}

u64 mm_page_bytes(u64 bytes)
{
	return bytes > UC_GUEST_END ? 0 : PAGE_UP(bytes);
}

long mm_check_fixed(u64 addr, u64 bytes)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < UC_PATCH_END) /* as if vm.mmap_min_addr were there */
		return -EPERM;
	if (!mm_guest_range(addr, bytes) || vma_kernel_overlaps(addr, addr + bytes))
		return -ENOMEM;
	return 0;
}

u64 mm_pick_address(u64 bytes, u64 align, bool below_2g)
{
	u64 addr;

	if (below_2g)
		return vma_tree_hole(UC_ARENA_BASE, BELOW_2G, bytes, align);
	if (bytes >= UC_GIANT_MIN) {
		addr = vma_tree_hole(UC_GIANT_BASE, UC_GIANT_END, bytes, align);
		return addr ? addr : vma_tree_hole(UC_ARENA_BASE, UC_ARENA_END, bytes, align);
	}
	addr = vma_tree_hole(UC_ARENA_BASE, UC_ARENA_END, bytes, align);
	return addr ? addr : vma_tree_hole(UC_GIANT_BASE, UC_GIANT_END, bytes, align);
}
