/* VMAs as objects: made, split, joined, dropped, and counted against the UC's memory limit. */
#include <asm/errno.h>
#include <linux/mman.h>

#include "include/file.h"
#include "include/upcalls.h"
#include "vma.h"

/*
 * What the guest may map writable, beyond its limit: runtimes map far more than they touch (thread stacks,
 * heaps that grow, half a GiB for the code of each V8 isolate). What it may touch is the host's to limit. One
 * mapping alone that goes far beyond the limit is refused, as Linux refuses it by its heuristic.
 */
#define OVERCOMMIT_FACTOR 4
#define OVERCOMMIT_BYTES (16ull << 30)
#define SINGLE_BYTES (1ull << 30)

static u64 writable_bytes;
static u64 writable_limit, single_limit;

void mm_set_limit(u64 memory_limit)
{
	u64 most = ~0ull;

	writable_limit = single_limit = most;
	if (memory_limit && memory_limit < (most - OVERCOMMIT_BYTES) / OVERCOMMIT_FACTOR) {
		writable_limit = memory_limit * OVERCOMMIT_FACTOR + OVERCOMMIT_BYTES;
		single_limit = memory_limit * OVERCOMMIT_FACTOR + SINGLE_BYTES;
	}
}

void mm_init(u64 memory_limit)
{
	mm_set_limit(memory_limit);
}

u64 mm_resident_estimate(void)
{
	return writable_bytes;
}

bool mm_within_limit(u64 bytes)
{
	return bytes <= single_limit && writable_bytes <= writable_limit &&
	       bytes <= writable_limit - writable_bytes;
}

bool vma_counts(u32 prot, u32 flags)
{
	return (prot & PROT_WRITE) && ((flags & MAP_PRIVATE) || (flags & MAP_ANONYMOUS));
}

static u64 counted_bytes(const struct vma *v)
{
	return vma_counts(v->prot, v->flags) ? v->end - v->start : 0;
}

struct vma *vma_new(u64 start, u64 end, u32 prot, u32 flags, struct file *file, u64 offset)
{
	struct vma *v = kzalloc(sizeof *v);

	if (!v)
		return NULL;
	list_init(&v->node);
	v->start = start;
	v->end = end;
	v->prot = (u16)prot;
	v->flags = flags;
	v->file = file ? file_get(file) : NULL;
	v->offset = file ? offset : 0;
	return v;
}

void vma_free(struct vma *v)
{
	struct file *file = v->file;

	kfree(v);
	if (file)
		file_put(file);
}

void vma_link(struct vma *v)
{
	vma_tree_insert(v);
	writable_bytes += counted_bytes(v);
}

void vma_unlink(struct vma *v)
{
	writable_bytes -= counted_bytes(v);
	vma_tree_remove(v);
}

void vma_set_prot(struct vma *v, u32 prot)
{
	writable_bytes -= counted_bytes(v);
	v->prot = (u16)prot;
	writable_bytes += counted_bytes(v);
}

static int split(struct vma *v, u64 at)
{
	struct vma *upper = vma_new(at, v->end, v->prot, v->flags, v->file, v->offset + (at - v->start));

	if (!upper)
		return -ENOMEM;
	upper->name = v->name;
	vma_tree_set_bounds(v, v->start, at);
	vma_tree_insert(upper);
	return 0;
}

static int split_at(u64 at)
{
	struct vma *v = vma_find(at);

	if (!v || v->start >= at || (v->flags & VMA_KERNEL))
		return 0;
	return split(v, at);
}

int vma_isolate(u64 start, u64 end)
{
	int ret = split_at(start);

	return ret ? ret : split_at(end);
}

void vma_drop(u64 start, u64 end)
{
	u64 at = start;
	struct vma *v;

	/* Looked up anew each time: the last reference to a file may free VMAs of the library OS. */
	while ((v = vma_find(at)) && v->start < end) {
		at = v->end;
		if (v->flags & VMA_KERNEL)
			continue;
		vma_unlink(v);
		vma_free(v);
	}
}

int vma_cut(struct vma *v, u64 start, u64 end)
{
	u64 counted = counted_bytes(v);

	if (start > v->start && end < v->end && split(v, end))
		return -ENOMEM;
	if (v->start == start && v->end == end) {
		vma_unlink(v);
		vma_free(v);
		return 0;
	}
	if (start == v->start)
		vma_tree_set_bounds(v, end, v->end);
	else
		vma_tree_set_bounds(v, v->start, start);
	if (counted)
		writable_bytes -= end - start;
	return 0;
}

static bool joinable(const struct vma *low, const struct vma *high)
{
	return low->end == high->start && low->prot == high->prot && low->flags == high->flags &&
	       low->file == high->file && low->name == high->name &&
	       (!low->file || low->offset + (low->end - low->start) == high->offset);
}

void vma_merge(u64 start, u64 end)
{
	struct vma *v = vma_find(start ? start - 1 : 0), *next;

	while (v && v->start <= end) {
		next = vma_next(v);
		if (!next || !joinable(v, next)) {
			v = next;
			continue;
		}
		end = MAX(end, next->start);
		vma_tree_remove(next);
		vma_tree_set_bounds(v, v->start, next->end);
		vma_free(next); /* v holds the file, too: nothing is released */
	}
}

struct vma *vma_guest_at(u64 addr)
{
	struct vma *v = vma_find(addr);

	return v && v->start <= addr && !(v->flags & VMA_KERNEL) ? v : NULL;
}

bool vma_overlaps(u64 start, u64 end)
{
	struct vma *v = vma_find(start);

	return v && v->start < end;
}

bool vma_kernel_overlaps(u64 start, u64 end)
{
	for (struct vma *v = vma_find(start); v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_KERNEL)
			return true;
	return false;
}

void vma_name_range(u64 start, u64 end, const char *name)
{
	if (vma_isolate(start, end))
		return; /* a name is worth no failure */
	for (struct vma *v = vma_find(start); v && v->start < end; v = vma_next(v))
		if (!(v->flags & VMA_KERNEL))
			v->name = name;
	vma_merge(start, end);
}

void mm_set_name(u64 addr, const char *name)
{
	struct vma *v = vma_guest_at(addr);

	if (v)
		vma_name_range(v->start, v->end, name);
}
