#include "process/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "loop/operation.h"
#include "plan/vma_list.h"

/* PAGEMAP_SCAN, from Linux 6.7 on: Documentation/admin-guide/mm/pagemap.rst. */
#define SCAN_PAGE_IS_FILE (1ull << 2)
#define SCAN_PAGE_IS_PRESENT (1ull << 3)
#define SCAN_PAGE_IS_SWAPPED (1ull << 4)
#define SCAN_PAGE_IS_PFNZERO (1ull << 5)

struct scan_region {
	__u64 start, end, categories;
};

struct scan_arg {
	__u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	__u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_arg)
/* Runs of pages of one answer of the kernel. */
#define SCAN_BATCH 512
/*
 * Between two looks at the clock: the kernel looks at each page that is mapped there, the zero page a
 * thousand times over if the guest wants it so, and takes 0.6 ms for 256 MiB of that.
 */
#define SCAN_BYTES (1ull << 28)
#define SCAN_MAPPINGS 512

/* Documentation/admin-guide/mm/pagemap.rst, bit 56. */
#define ENTRY_EXCLUSIVE (1ull << 56)
#define ENTRIES_BATCH 512

/* Pages with all bits of mask, bits of inverted counting the other way round, and one of anyof. */
struct wanted {
	uint64_t inverted, mask, anyof;
};

static int scan(int fd, uint64_t start, uint64_t end, const struct wanted *wanted, struct page_runs *runs)
{
	struct scan_region regions[SCAN_BATCH];
	struct scan_arg arg = {
		.size = sizeof arg,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_BATCH,
		.category_inverted = wanted->inverted,
		.category_mask = wanted->mask,
		.category_anyof_mask = wanted->anyof,
	};

	while (start < end) {
		int n;

		arg.start = start;
		n = ioctl(fd, SCAN, &arg);
		if (n < 0)
			return -errno;
		for (int i = 0; i < n; i++)
			page_runs_add(runs, regions[i].start, regions[i].end);
		if (arg.walk_end <= start)
			return -EIO;
		start = arg.walk_end;
	}
	return 0;
}

static int open_pagemap(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* [*start, *end) of the next part to scan, from vmas->items[*i] on; false: there is none. */
static bool next_part(const struct vma_list *vmas, size_t *i, uint64_t *start, uint64_t *end)
{
	uint64_t mapped = 0, at = *end;
	size_t first = *i;

	for (; *i < vmas->count && vmas->items[*i].start < UC_GUEST_END && *i - first < SCAN_MAPPINGS; ++*i) {
		const struct vma *v = &vmas->items[*i];
		uint64_t from = v->start > at ? v->start : at,
			 to = v->end < UC_GUEST_END ? v->end : UC_GUEST_END;

		if (!mapped)
			*start = from;
		*end = to - from > SCAN_BYTES - mapped ? from + (SCAN_BYTES - mapped) : to;
		mapped += *end - from;
		if (*end < to)
			break;
	}
	return mapped;
}

static int scan_process(pid_t pid, const struct vma_list *vmas, const struct wanted *wanted,
			struct page_runs *runs)
{
	uint64_t start = 0, end = 0;
	int fd = open_pagemap(pid), error = 0;
	size_t i = 0;

	if (fd < 0)
		return fd;
	while (!error && next_part(vmas, &i, &start, &end)) {
		error = scan(fd, start, end, wanted, runs);
		if (!error)
			error = operation_pause_if_due();
	}
	close(fd);
	return error;
}

int pagemap_own_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs)
{
	/* Neither a file's page nor the zero page, but a page. */
	static const struct wanted own = {
		.inverted = SCAN_PAGE_IS_FILE | SCAN_PAGE_IS_PFNZERO,
		.mask = SCAN_PAGE_IS_FILE | SCAN_PAGE_IS_PFNZERO,
		.anyof = SCAN_PAGE_IS_PRESENT | SCAN_PAGE_IS_SWAPPED,
	};

	return scan_process(pid, vmas, &own, runs);
}

int pagemap_file_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs)
{
	static const struct wanted mapped = { .mask = SCAN_PAGE_IS_FILE | SCAN_PAGE_IS_PRESENT };

	return scan_process(pid, vmas, &mapped, runs);
}

static int tell_shared(int fd, const struct page_run *run, struct page_runs *alone, struct page_runs *shared)
{
	uint64_t entries[ENTRIES_BATCH];

	for (uint64_t at = run->start; at < run->end;) {
		uint64_t count = (run->end - at) / UC_PAGE_SIZE;
		int error;

		if (count > ENTRIES_BATCH)
			count = ENTRIES_BATCH;
		error = pread_all(fd, entries, count * sizeof *entries, at / UC_PAGE_SIZE * sizeof *entries);
		if (error)
			return error;
		for (uint64_t i = 0; i < count; i++, at += UC_PAGE_SIZE)
			page_runs_add(entries[i] & ENTRY_EXCLUSIVE ? alone : shared, at, at + UC_PAGE_SIZE);
		error = operation_pause_if_due();
		if (error)
			return error;
	}
	return 0;
}

int pagemap_tell_shared(pid_t pid, const struct page_runs *runs, struct page_runs *alone,
			struct page_runs *shared)
{
	int fd = open_pagemap(pid), error = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; !error && i < runs->count; i++)
		error = tell_shared(fd, &runs->items[i], alone, shared);
	close(fd);
	return error;
}
