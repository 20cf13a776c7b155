/* mremap(2). */
#include <asm/errno.h>
#include <linux/mman.h>

#include "host/host.h"
#include "include/file.h"
#include "sys/calls.h"
#include "vma.h"

struct resize {
	u64 addr, old_bytes, new_bytes;
	u64 target; /* with MREMAP_FIXED */
	int flags;
};

static long check(const struct resize *r)
{
	const int known = MREMAP_MAYMOVE | MREMAP_FIXED;

	if ((r->flags & ~known) || (r->addr & ~PAGE_MASK) || !r->new_bytes || !r->old_bytes)
		return -EINVAL;
	if (!mm_guest_range(r->addr, r->old_bytes))
		return -EFAULT;
	if (!(r->flags & MREMAP_FIXED))
		return 0;
	if (!(r->flags & MREMAP_MAYMOVE) || (r->target & ~PAGE_MASK) ||
	    !mm_guest_range(r->target, r->new_bytes) ||
	    vma_kernel_overlaps(r->target, r->target + r->new_bytes))
		return -EINVAL;
	if (r->target < r->addr + r->old_bytes && r->addr < r->target + r->new_bytes)
		return -EINVAL;
	return 0;
}

/* Puts host memory behind what v gains above old_end. */
static long back_growth(const struct vma *v, u64 old_end)
{
	long addr;

	if (old_end == v->end)
		return 0;
	addr = vma_back_part(v, old_end, v->end);
	if (addr >= 0 && (u64)addr != old_end)
		return -ENODEV;
	return addr < 0 ? addr : 0;
}

static bool room_above(u64 from, u64 to)
{
	return to <= mm_region_end(from - 1) && !vma_overlaps(from, to);
}

/* A VMA of the growth alone, which then joins the one below. */
static long grow_in_place(struct vma *v, u64 to)
{
	u64 from = v->end;
	struct vma *more = vma_new(from, to, v->prot, v->flags, v->file, v->offset + (from - v->start));
	long ret;

	if (!more)
		return -ENOMEM;
	more->name = v->name;
	vma_link(more);
	ret = back_growth(more, from);
	if (ret < 0) {
		vma_unlink(more);
		vma_free(more);
		host_munmap(from, to - from);
		return ret;
	}
	vma_merge(from, to);
	return 0;
}

/*
 * Moves the host's mappings as they are. The host moves no range that crosses its own mappings, of
 * which a deployed UC has many behind one VMA: then each half is moved by itself. Moved memory
 * never grows on the way, or bytes of a layer from behind it would come into view.
 */
static long move_host(u64 from, u64 to, u64 bytes)
{
	u64 half = PAGE_DOWN(bytes / 2);
	long ret = host_mremap(from, bytes, bytes, to);

	if (ret != -EFAULT || !half)
		return ret < 0 ? ret : 0;
	ret = move_host(from, to, half);
	return ret ? ret : move_host(from + half, to + half, bytes - half);
}

/* Frees the target of an MREMAP_FIXED, or finds one. The address or a negative errno. */
static long make_room(const struct resize *r)
{
	u64 addr;

	if (r->flags & MREMAP_FIXED) {
		long ret = mm_munmap(r->target, r->new_bytes);

		return ret ? ret : (long)r->target;
	}
	addr = mm_pick_address(r->new_bytes, PAGE_SIZE, false);
	return addr ? (long)addr : -ENOMEM;
}

/* The isolated range at r->addr goes elsewhere, and grows there. r->old_bytes <= r->new_bytes. */
static long move(const struct resize *r)
{
	struct vma *old, *v;
	long addr = make_room(r), ret;

	if (addr < 0)
		return addr;
	ret = vma_isolate(r->addr, r->addr + r->old_bytes);
	if (ret)
		return ret;
	old = vma_guest_at(r->addr);
	v = vma_new((u64)addr, (u64)addr + r->new_bytes, old->prot, old->flags, old->file, old->offset);
	if (!v)
		return -ENOMEM;
	vma_link(v);
	ret = back_growth(v, v->start + r->old_bytes);
	if (!ret)
		ret = move_host(r->addr, v->start, r->old_bytes);
	if (ret) {
		vma_unlink(v);
		vma_free(v);
		host_munmap((u64)addr, r->new_bytes);
		vma_merge(r->addr, r->addr + r->old_bytes);
		return ret;
	}
	vma_drop(r->addr, r->addr + r->old_bytes);
	vma_merge((u64)addr, (u64)addr + r->new_bytes);
	return addr;
}

static long resize(struct resize *r)
{
	struct vma *v = vma_guest_at(r->addr);
	u64 end = r->addr + r->old_bytes, more;
	long ret;

	if (!v && !(r->flags & MREMAP_FIXED))
		return shared_resize(r->addr, r->old_bytes, r->new_bytes, r->flags & MREMAP_MAYMOVE);
	if (!v || end > v->end)
		return -EFAULT;
	if (r->new_bytes < r->old_bytes) {
		ret = mm_munmap(r->addr + r->new_bytes, r->old_bytes - r->new_bytes);
		if (ret)
			return ret;
		r->old_bytes = r->new_bytes;
		end = r->addr + r->old_bytes;
		v = vma_guest_at(r->addr);
	}
	more = r->new_bytes - r->old_bytes;
	if (vma_counts(v->prot, v->flags) && !mm_within_limit(more))
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED)
		return move(r);
	if (!more)
		return (long)r->addr;
	if (end == v->end && room_above(end, end + more)) {
		ret = grow_in_place(v, end + more);
		return ret ? ret : (long)r->addr;
	}
	return r->flags & MREMAP_MAYMOVE ? move(r) : -ENOMEM;
}

long sys_mremap(const u64 a[6])
{
	struct resize r = {
		.addr = a[0],
		.old_bytes = mm_page_bytes(a[1]),
		.new_bytes = mm_page_bytes(a[2]),
		.flags = (int)a[3],
		.target = a[4],
	};
	long ret = check(&r);

	return ret ? ret : resize(&r);
}
