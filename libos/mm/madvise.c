/* madvise(2). */
#include <asm/errno.h>
#include <linux/mman.h>

#include "host/host.h"
#include "lib/string.h"
#include "sys/calls.h"
#include "vma.h"

/* Up to here, zeroing in place is cheaper than breaking the host's mapping in three. */
#define ZERO_IN_PLACE (4 * PAGE_SIZE)

static bool is_zero(const u64 *page)
{
	for (u32 i = 0; i < PAGE_SIZE / sizeof *page; i++)
		if (page[i])
			return false;
	return true;
}

/* The VMA says readable and writable, and so does the host. Only pages that hold something are written to. */
static void zero_pages(u64 start, u64 end)
{
	for (; start < end; start += PAGE_SIZE)
		if (!is_zero((const u64 *)start))
			memset((void *)start, 0, PAGE_SIZE);
}

/*
 * Anonymous memory must read as zero afterwards. In a deployed UC the host may have a snapshot's layer
 * there, whose bytes would come back if the host's MADV_DONTNEED was used.
 */
static long discard_anonymous(const struct vma *v, u64 start, u64 end)
{
	const u32 access = PROT_READ | PROT_WRITE;

	if (end - start <= ZERO_IN_PLACE && (v->prot & access) == access) {
		zero_pages(start, end);
		return 0;
	}
	return vma_back_part(v, start, end);
}

static long dontneed(const struct vma *v, u64 start, u64 end)
{
	if (v->flags & MAP_SHARED)
		return 0; /* the object keeps its bytes */
	return v->file ? vma_back_part(v, start, end) : discard_anonymous(v, start, end);
}

static long make_free(const struct vma *v, u64 start, u64 end)
{
	if (v->file || (v->flags & MAP_SHARED))
		return -EINVAL;
	return discard_anonymous(v, start, end);
}

/* Punches a hole into the object behind a shared mapping. */
static long remove_pages(const struct vma *v, u64 start, u64 end)
{
	if (v->file || !(v->flags & MAP_SHARED))
		return -EINVAL;
	return discard_anonymous(v, start, end);
}

static long populate_read(const struct vma *v, u64 start, u64 end)
{
	(void)v;
	return host_populate(start, end - start, false);
}

static long populate_write(const struct vma *v, u64 start, u64 end)
{
	(void)v;
	return host_populate(start, end - start, true);
}

static long nothing(const struct vma *v, u64 start, u64 end)
{
	(void)v;
	(void)start;
	(void)end;
	return 0;
}

typedef long (*advice_fn)(const struct vma *v, u64 start, u64 end);

static advice_fn find_advice(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return dontneed;
	case MADV_FREE:
		return make_free;
	case MADV_REMOVE:
		return remove_pages;
	case MADV_POPULATE_READ:
		return populate_read;
	case MADV_POPULATE_WRITE:
		return populate_write;
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return nothing;
	default:
		return NULL;
	}
}

/* Linux goes on over holes, and says ENOMEM at the end. */
static long advise(u64 start, u64 end, advice_fn act)
{
	bool hole = false;

	while (start < end) {
		struct vma *v = vma_find(start);
		u64 to;
		long ret;

		if (!v || v->start >= end)
			return -ENOMEM;
		to = MIN(v->end, end);
		if (v->flags & VMA_KERNEL) {
			u64 window = shared_end(MAX(start, v->start));

			hole |= v->start > start || window < to;
			start = to;
			continue;
		}
		hole |= v->start > start;
		start = MAX(start, v->start);
		ret = act(v, start, to);
		if (ret < 0)
			return ret;
		start = to;
	}
	return hole ? -ENOMEM : 0;
}

long sys_madvise(const u64 a[6])
{
	u64 addr = a[0], bytes = mm_page_bytes(a[1]);
	advice_fn act = find_advice((int)a[2]);

	if (!act || (addr & ~PAGE_MASK) || (a[1] && !bytes))
		return -EINVAL;
	if (!bytes)
		return 0;
	if (!mm_guest_range(addr, bytes))
		return -ENOMEM;
	return advise(addr, addr + bytes, act);
}
