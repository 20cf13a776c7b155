/* The host memory behind a VMA. */
#include <asm/errno.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "host/host.h"
#include "include/file.h"
#include "vma.h"

/* Always the same flags, so that the host joins neighbours of equal protection into one mapping. */
static long back_anonymous(u64 start, u64 end, int prot)
{
	return host_mmap(start, end - start, prot, MAP_NORESERVE, -1, 0);
}

/*
 * Bytes of v, whole pages, that the file reaches. A device has no end, and a shared mapping may see the file
 * grow.
 */
static u64 bytes_in_file(const struct vma *v)
{
	const struct inode *inode = v->file->inode;
	u64 bytes = v->end - v->start;

	if (!inode || !S_ISREG(inode->mode) || (v->flags & MAP_SHARED))
		return bytes;
	return v->offset >= inode->size ? 0 : MIN(bytes, PAGE_UP(inode->size - v->offset));
}

static long back_file(const struct vma *v)
{
	struct vma part = *v;
	long addr = (long)v->start, tail;

	part.end = v->start + bytes_in_file(v);
	if (part.end > part.start) {
		addr = v->file->ops->mmap(v->file, &part);
		if (addr != (long)v->start)
			return addr;
	}
	if (part.end == v->end)
		return addr;
	tail = back_anonymous(part.end, v->end, PROT_NONE);
	return tail < 0 ? tail : addr;
}

long vma_back(const struct vma *v)
{
	long ret;

	if (v->file)
		return back_file(v);
	ret = back_anonymous(v->start, v->end, v->prot);
	return ret < 0 ? ret : (long)v->start;
}

long vma_back_part(const struct vma *v, u64 start, u64 end)
{
	struct vma part = *v;

	part.start = start;
	part.end = end;
	if (part.file)
		part.offset += start - v->start;
	return vma_back(&part);
}
