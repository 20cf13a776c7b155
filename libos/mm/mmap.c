/* mmap(2). */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "host/host.h"
#include "include/file.h"
#include "include/upcalls.h"
#include "sys/calls.h"
#include "vma.h"

#define PROT_MASK (PROT_READ | PROT_WRITE | PROT_EXEC)
#define FLAGS_KEPT (MAP_ANONYMOUS | MAP_GROWSDOWN)
/* What MAP_SHARED_VALIDATE lets pass. */
#define FLAGS_KNOWN                                                                                          \
	(MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE |        \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_32BIT | \
	 MAP_UNINITIALIZED)

/* The type as kept in a VMA, or a negative errno. */
static int sharing(int flags, const struct file *file)
{
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		return MAP_PRIVATE;
	case MAP_SHARED:
		return MAP_SHARED;
	case MAP_SHARED_VALIDATE:
		if (!file)
			return -EINVAL;
		return flags & ~FLAGS_KNOWN ? -EOPNOTSUPP : MAP_SHARED;
	default:
		return -EINVAL;
	}
}

static long check_file(const struct file *file, int prot, int type)
{
	u32 access = file->flags & O_ACCMODE;

	if (file->flags & O_PATH)
		return -EBADF;
	if (access == O_WRONLY)
		return -EACCES;
	if (type == MAP_SHARED && (prot & PROT_WRITE) && access != O_RDWR)
		return -EACCES;
	return file->ops->mmap ? 0 : -ENODEV;
}

/* Address for the mapping, or a negative errno. */
static long place(u64 addr, u64 bytes, int flags)
{
	long ret;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		ret = mm_check_fixed(addr, bytes);
		if (ret)
			return ret;
		if ((flags & MAP_FIXED_NOREPLACE) && vma_overlaps(addr, addr + bytes))
			return -EEXIST;
		return (long)addr;
	}
	addr = mm_pick_address(bytes, PAGE_SIZE, flags & MAP_32BIT);
	return addr ? (long)addr : -ENOMEM;
}

/* Turns the linked but empty v into a window where the file's own pages are. */
static long move_to_window(struct vma *v, long addr, bool fixed)
{
	u64 bytes = v->end - v->start;
	long ret = 0;

	if (fixed || !vma_kernel_overlaps((u64)addr, (u64)addr + bytes))
		ret = -ENODEV;
	else
		ret = shared_add((u64)addr, v);
	vma_unlink(v);
	vma_free(v);
	return ret ? ret : addr;
}

/* Maps memory behind v, which this gives to the set or frees. */
static long establish(struct vma *v, bool fixed)
{
	u64 start = v->start, end = v->end;
	long addr;

	/* Linked first: what the file allocates for itself must not land here. */
	vma_link(v);
	addr = vma_back(v);
	if (addr >= 0 && (u64)addr != start)
		return move_to_window(v, addr, fixed);
	if (addr < 0) {
		vma_unlink(v);
		vma_free(v);
		host_munmap(start, end - start); /* there may be a part of it, or what was replaced */
		return addr;
	}
	vma_merge(start, end);
	return addr;
}

static void populate(u64 addr, u64 bytes, int prot)
{
	/* A wish, as in Linux: its failure is none of the mapping. */
	if (prot & (PROT_READ | PROT_WRITE))
		host_populate(addr, bytes, prot & PROT_WRITE);
}

long mm_mmap(u64 addr, u64 bytes, int prot, int flags, struct file *file, u64 offset)
{
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	int type = sharing(flags, file);
	struct vma *v;
	long ret;

	if (!bytes || (offset & ~PAGE_MASK) || type < 0)
		return type < 0 ? type : -EINVAL;
	bytes = mm_page_bytes(bytes);
	if (!bytes || (flags & MAP_HUGETLB))
		return -ENOMEM;
	if (file && offset + bytes < offset)
		return -EOVERFLOW;
	prot &= PROT_MASK;
	ret = file ? check_file(file, prot, type) : 0;
	if (ret)
		return ret;
	flags = type | (flags & ~MAP_TYPE) | (file ? 0 : MAP_ANONYMOUS);
	if (vma_counts((u32)prot, (u32)flags) && !mm_within_limit(bytes))
		return -ENOMEM;
	ret = place(addr, bytes, flags);
	if (ret < 0)
		return ret;
	addr = (u64)ret;

	v = vma_new(addr, addr + bytes, (u32)prot, (u32)type | ((u32)flags & FLAGS_KEPT), file, offset);
	if (!v)
		return -ENOMEM;
	if (fixed) {
		ret = vma_isolate(addr, addr + bytes);
		if (ret) {
			vma_free(v);
			return ret;
		}
		vma_drop(addr, addr + bytes);
	}
	ret = establish(v, fixed);
	if (ret >= 0 && (flags & (MAP_POPULATE | MAP_LOCKED)))
		populate((u64)ret, bytes, prot);
	return ret;
}

long sys_mmap(const u64 a[6])
{
	int prot = (int)a[2], flags = (int)a[3];
	struct file *file = NULL;
	long ret;

	if (a[5] & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		file = fd_get((int)a[4]);
		if (!file)
			return -EBADF;
	}
	ret = mm_mmap(a[0], a[1], prot, flags, file, file ? a[5] : 0);
	if (file)
		file_put(file);
	return ret;
}
