/* munmap(2), and what of a range the guest has mapped. */
#include <asm/errno.h>

#include "host/host.h"
#include "sys/calls.h"
#include "vma.h"

u64 mm_mapped_until(u64 addr, u64 end)
{
	while (addr < end) {
		struct vma *v = vma_guest_at(addr);
		u64 next = v ? v->end : shared_end(addr);

		if (!next)
			return addr;
		addr = next;
	}
	return end;
}

/* Unmaps in the host what the guest has in [start, end): one call for each unbroken stretch. */
static long unmap_stretches(u64 start, u64 end)
{
	struct vma *v = vma_find(start);

	while (v && v->start < end) {
		u64 from = MAX(v->start, start), to;
		long ret;

		if (v->flags & VMA_KERNEL) {
			v = vma_next(v);
			continue;
		}
		to = v->end;
		while ((v = vma_next(v)) && v->start == to && !(v->flags & VMA_KERNEL))
			to = v->end;
		ret = host_munmap(from, MIN(to, end) - from);
		if (ret < 0)
			return ret;
	}
	return 0;
}

long mm_munmap(u64 addr, u64 bytes)
{
	u64 end;
	long ret;

	bytes = mm_page_bytes(bytes);
	if ((addr & ~PAGE_MASK) || !bytes || !mm_guest_range(addr, bytes))
		return -EINVAL;
	end = addr + bytes;
	ret = vma_isolate(addr, end);
	if (!ret)
		ret = unmap_stretches(addr, end);
	if (ret) {
		vma_merge(addr, end);
		return ret;
	}
	vma_drop(addr, end);
	shared_remove(addr, end);
	return 0;
}

long sys_munmap(const u64 a[6])
{
	return mm_munmap(a[0], a[1]);
}
