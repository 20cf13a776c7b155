/*
 * All of mm/ but the heap, and what it needs around it. The host is real: the mappings are made in
 * this process, below the sanitizer's own memory. Include it first.
 */
#ifndef TESTS_LIBOS_MM_HOST_H
#define TESTS_LIBOS_MM_HOST_H

#define _GNU_SOURCE
#include "shim.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define check check_mprotect
#include "../../libos/mm/mprotect.c"
#undef check
#define check check_mremap
#include "../../libos/mm/mremap.c"
#undef check
#include "../../libos/mm/backing.c"
#include "../../libos/mm/brk.c"
#include "../../libos/mm/kpages.c"
#include "../../libos/mm/madvise.c"
#include "../../libos/mm/mmap.c"
#include "../../libos/mm/munmap.c"
#include "../../libos/mm/region.c"
#include "../../libos/mm/shared.c"
#include "../../libos/mm/vma.c"
#include "../../libos/mm/vma_tree.c"

#define BASE UC_ARENA_BASE
#define SANITIZER 0x7fff0000ul /* its own memory begins somewhere above */

/* ---- the library OS's surroundings ---------------------------------------------------- */

void *kmalloc(size_t bytes)
{
	return malloc(bytes);
}

void *kzalloc(size_t bytes)
{
	return calloc(1, bytes);
}

void kfree(void *p)
{
	free(p);
}

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	CHECK(f->refs-- > 1);
}

struct file *fd_get(int fd)
{
	(void)fd;
	return NULL;
}

static long result(long r)
{
	return r < 0 ? -errno : r;
}

long host_mmap(u64 addr, u64 bytes, int prot, int flags, int fd, u64 offset)
{
	CHECK(flags == MAP_NORESERVE && fd == -1);
	if (addr >= SANITIZER)
		return -ENOMEM;
	return result((long)mmap((void *)addr, bytes, prot,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, (off_t)offset));
}

long host_munmap(u64 addr, u64 bytes)
{
	return addr >= SANITIZER ? 0 : result(munmap((void *)addr, bytes));
}

long host_mprotect(u64 addr, u64 bytes, int prot)
{
	return result(mprotect((void *)addr, bytes, prot));
}

long host_mremap(u64 old_addr, u64 old_bytes, u64 new_bytes, u64 new_addr)
{
	return result((long)mremap((void *)old_addr, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				   (void *)new_addr));
}

long host_discard(u64 addr, u64 bytes)
{
	return result(madvise((void *)addr, bytes, MADV_DONTNEED));
}

long host_populate(u64 addr, u64 bytes, bool writable)
{
	return result(madvise((void *)addr, bytes, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ));
}

/* A file whose page n begins with the bytes of file_word(n). */
static u64 file_word(u64 offset)
{
	return 0xf11e000000000000ull | offset;
}

static inline long file_mmap(struct file *f, struct vma *v)
{
	(void)f;
	if (host_mmap(v->start, v->end - v->start, PROT_READ | PROT_WRITE, MAP_NORESERVE, -1, 0) < 0)
		return -ENOMEM;
	for (u64 at = v->start; at < v->end; at += PAGE_SIZE)
		*(u64 *)at = file_word(v->offset + (at - v->start));
	host_mprotect(v->start, v->end - v->start, v->prot);
	return (long)v->start;
}

static const struct file_ops file_ops = { .mmap = file_mmap };
static struct file file = { .ops = &file_ops, .refs = 1, .flags = O_RDONLY };

#endif
