#include "start/anchor.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "abi/layout.h"
#include "loop/operation.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"
#include "process/maps.h"
#include "process/pagemap.h"
#include "sandbox/zygote.h"

/* The library OS and the vDSO belong to every embryo, and a reset counts on them as they came. */
static bool may_be_anchored(const struct vma *v)
{
	return v->end <= UC_LIBOS_BASE || (v->start >= UC_VDSO_END && v->end <= UC_GUEST_END);
}

static bool has_page_in(const struct page_runs *runs, const struct vma *v)
{
	size_t i = page_runs_find(runs, v->start);

	return i < runs->count && runs->items[i].start < v->end;
}

/*
 * The first page of a file that v has mapped, but for those that may be part of a huge page; v->end if there
 * is none.
 */
static uint64_t first_small_page(const struct page_runs *mapped, const struct vma *v)
{
	const uint64_t mask = WORKING_SET_HUGE_BYTES - 1;
	uint64_t huge = (v->start + mask) & ~mask, huge_end = v->end & ~mask;

	for (size_t i = page_runs_find(mapped, v->start);
	     i < mapped->count && mapped->items[i].start < v->end; i++) {
		const struct page_run *run = &mapped->items[i];
		uint64_t page = run->start > v->start ? run->start : v->start;

		if (huge < huge_end && page >= huge && page < huge_end)
			page = huge_end;
		if (page < run->end && page < v->end)
			return page;
	}
	return v->end;
}

/*
 * Through /proc/PID/mem, which follows no protection bits: these stay as they are. False: the host does not
 * allow that.
 */
static bool make_private(int mem, uint64_t page)
{
	char byte;

	return pread(mem, &byte, 1, (off_t)page) == 1 && pwrite(mem, &byte, 1, (off_t)page) == 1;
}

static void anchor_all(int mem, const struct vma_list *maps, const struct page_runs *own,
		       const struct page_runs *mapped)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct vma *v = &maps->items[i];
		uint64_t page;

		if (!v->file.ino || v->shared || !may_be_anchored(v) || has_page_in(own, v))
			continue;
		page = first_small_page(mapped, v);
		if (page < v->end && !make_private(mem, page))
			return;
		operation_pause_if_due();
	}
}

void anchor_mappings(pid_t template)
{
	struct vma_list maps = { 0 };
	struct page_runs own = { 0 }, mapped = { 0 };
	char path[64];
	int mem;

	snprintf(path, sizeof path, "/proc/%d/mem", template);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return;
	if (!maps_read(template, &maps) && !pagemap_own_runs(template, &maps, &own) &&
	    !pagemap_file_runs(template, &maps, &mapped))
		anchor_all(mem, &maps, &own, &mapped);
	vma_list_free(&maps);
	page_runs_free(&own);
	page_runs_free(&mapped);
	close(mem);
}
