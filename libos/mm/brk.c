/* brk(2): the heap behind the program, one VMA named "[heap]". */
#include <linux/mman.h>

#include "sys/calls.h"
#include "vma.h"

static u64 brk_start, brk_end;

void mm_set_brk_start(u64 addr)
{
	brk_start = brk_end = PAGE_UP(addr);
}

static bool grow(u64 from, u64 to)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	if (from == to)
		return true;
	if (mm_mmap(from, to - from, PROT_READ | PROT_WRITE, flags, NULL, 0) < 0)
		return false;
	vma_name_range(from, to, "[heap]");
	return true;
}

long mm_brk(u64 addr)
{
	u64 old = PAGE_UP(brk_end);

	if (addr < brk_start || addr > mm_region_end(brk_start))
		return (long)brk_end;
	if (PAGE_UP(addr) < old) {
		if (mm_munmap(PAGE_UP(addr), old - PAGE_UP(addr)) < 0)
			return (long)brk_end;
	} else if (!grow(old, PAGE_UP(addr))) {
		return (long)brk_end;
	}
	brk_end = addr;
	return (long)brk_end;
}

long sys_brk(const u64 a[6])
{
	return mm_brk(a[0]);
}
