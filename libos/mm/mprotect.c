/* mprotect(2), and protection keys, which a UC does not have. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "host/host.h"
#include "include/file.h"
#include "sys/calls.h"
#include "vma.h"

#define PROT_MASK (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Whether v may have prot: write access to a shared file needs a file open for writing. */
static long check(const struct vma *v, u32 prot)
{
	if (v->file && (v->flags & MAP_SHARED) && (prot & PROT_WRITE) &&
	    (v->file->flags & O_ACCMODE) != O_RDWR)
		return -EACCES;
	return 0;
}

/* Bytes in the range that would newly count against the limit; checks each VMA as it goes. */
static long newly_counted(u64 start, u64 end, u32 prot, u64 *bytes)
{
	*bytes = 0;
	for (struct vma *v = vma_find(start); v && v->start < end; v = vma_next(v)) {
		long ret = v->flags & VMA_KERNEL ? 0 : check(v, prot);

		if (ret)
			return ret;
		if (vma_counts(prot, v->flags) && !vma_counts(v->prot, v->flags))
			*bytes += MIN(v->end, end) - MAX(v->start, start);
	}
	return 0;
}

/* The host's protection of the isolated range, one call for each stretch that changes. */
static long protect_stretches(u64 start, u64 end, u32 prot)
{
	struct vma *v = vma_find(start);

	while (v && v->start < end) {
		u64 from = v->start, to = v->end;
		long ret;

		if ((v->flags & VMA_KERNEL) || v->prot == prot) {
			v = vma_next(v);
			continue;
		}
		while ((v = vma_next(v)) && v->start == to && to < end && !(v->flags & VMA_KERNEL))
			to = v->end;
		ret = host_mprotect(from, to - from, (int)prot);
		if (ret < 0)
			return ret;
		for (struct vma *done = vma_find(from); done && done->start < to; done = vma_next(done))
			vma_set_prot(done, prot);
	}
	return 0;
}

static long protect(u64 start, u64 end, u32 prot)
{
	u64 more;
	long ret = newly_counted(start, end, prot, &more);

	if (ret)
		return ret;
	if (!mm_within_limit(more))
		return -ENOMEM;
	ret = vma_isolate(start, end);
	if (!ret)
		ret = protect_stretches(start, end, prot);
	vma_merge(start, end);
	return ret;
}

long mm_mprotect(u64 addr, u64 bytes, int prot)
{
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	u64 end, mapped;
	long ret;

	if ((addr & ~PAGE_MASK) || (prot & ~(PROT_MASK | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP)))
		return -EINVAL;
	if (!bytes)
		return 0;
	bytes = mm_page_bytes(bytes);
	if (!bytes || !mm_guest_range(addr, bytes))
		return -ENOMEM;
	end = addr + bytes;
	if (grows) {
		struct vma *v = vma_guest_at(addr);

		if (!v)
			return -ENOMEM;
		if (grows != PROT_GROWSDOWN || !(v->flags & MAP_GROWSDOWN))
			return -EINVAL;
		addr = v->start;
	}
	/* Like Linux: what lies before the first hole is changed all the same. */
	mapped = mm_mapped_until(addr, end);
	ret = mapped > addr ? protect(addr, mapped, (u32)prot & PROT_MASK) : 0;
	return ret || mapped == end ? ret : -ENOMEM;
}

long sys_mprotect(const u64 a[6])
{
	return a[2] >> 32 ? -EINVAL : mm_mprotect(a[0], a[1], (int)a[2]);
}

long sys_pkey_mprotect(const u64 a[6])
{
	return (int)a[3] == -1 ? sys_mprotect(a) : -EINVAL;
}

long sys_pkey_alloc(const u64 a[6])
{
	(void)a;
	return -ENOSYS;
}

long sys_pkey_free(const u64 a[6])
{
	(void)a;
	return -ENOSYS;
}
