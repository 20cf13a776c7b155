#include "own_pages.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "procfs.h"

/* From here on the kernel counts a process's anonymous pages exactly when it is asked; before, within some hundred. */
#define EXACT_MAJOR 6
#define EXACT_MINOR 17
/* A look at so many pages costs less than one more call. */
#define GAP_PAGES 32

static bool kernel_counts_exactly(void)
{
	static int exact = -1;
	struct utsname name;
	int major = 0, minor = 0;

	if (exact < 0)
		exact = uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
			(major > EXACT_MAJOR || (major == EXACT_MAJOR && minor >= EXACT_MINOR));
	return exact;
}

uint64_t own_pages_count(const struct page_runs *runs)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < runs->count; i++)
		pages += (runs->items[i].end - runs->items[i].start) / UC_PAGE_SIZE;
	return pages;
}

/* The pages of the vDSO's data are the kernel's own: none of them is counted. */
static uint64_t counted(const struct page_runs *own)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < own->count; i++)
		if (own->items[i].start < UC_VDSO_BASE || own->items[i].start >= UC_VDSO_END)
			pages += (own->items[i].end - own->items[i].start) / UC_PAGE_SIZE;
	return pages;
}

static bool are_all(pid_t pid, const struct page_runs *own)
{
	struct procfs_memory memory;

	return procfs_memory(pid, &memory) == 0 && memory.anonymous_bytes == counted(own) * UC_PAGE_SIZE;
}

static void remember(struct page_runs *before, const struct page_runs *own)
{
	before->count = 0;
	for (size_t i = 0; i < own->count; i++) {
		const struct page_run *run = &own->items[i];
		struct page_run *last = before->count ? &before->items[before->count - 1] : NULL;

		if (last && run->start - last->end <= GAP_PAGES * UC_PAGE_SIZE)
			last->end = run->end;
		else
			page_runs_add(before, run->start, run->end);
	}
}

int own_pages_find(pid_t pid, struct page_runs *before, struct page_runs *own)
{
	int error = 0;

	if (before->count && kernel_counts_exactly()) {
		error = pagemap_own_runs_in(pid, before, own);
		if (error || are_all(pid, own))
			return error;
		own->count = 0;
	}
	error = pagemap_own_runs(pid, 0, UC_GUEST_END, own);
	remember(before, own);
	return error;
}
