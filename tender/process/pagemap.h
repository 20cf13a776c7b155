/* Which pages a process has to itself. */
#ifndef TENDER_PAGEMAP_H
#define TENDER_PAGEMAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vma_list;

struct page_run {
	uint64_t start, end;
};

/* Sorted, not touching each other. */
struct page_runs {
	struct page_run *items;
	size_t count, size;
};

/*
 * Appends the runs of private anonymous pages (resident or swapped, the shared zero page not among them) below
 * UC_GUEST_END, in steps (operation.h); vmas: what the process has mapped. 0 or -errno; -ENOTTY: Linux older than 6.7.
 */
int pagemap_own_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs);
/* Appends, joining what touches or overlaps the last run; start is not before that of the last run. */
void page_runs_add(struct page_runs *runs, uint64_t start, uint64_t end);
/* The same for resident pages of files that are mapped in the process's page tables. */
int pagemap_file_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs);
/*
 * Of the runs, all of resident private pages, the pages that no other process shares (alone), and those that it has had from
 * its parent since the fork (shared); both empty so far. 0 or -errno.
 */
int pagemap_tell_shared(pid_t pid, const struct page_runs *runs, struct page_runs *alone, struct page_runs *shared);
/* Sets out, empty so far, to the pages of both. */
void page_runs_join(const struct page_runs *a, const struct page_runs *b, struct page_runs *out);
uint64_t page_runs_pages(const struct page_runs *runs);
/* Index of the first run that ends behind addr. */
size_t page_runs_find(const struct page_runs *runs, uint64_t addr);
void page_runs_free(struct page_runs *runs);

#endif
