/* Which pages a process has to itself. */
#ifndef TENDER_PAGEMAP_H
#define TENDER_PAGEMAP_H

#include <sys/types.h>

#include "plan/page_runs.h"

struct vma_list;

/*
 * Appends the runs of private anonymous pages (resident or swapped, the shared zero page not among them)
 * below UC_GUEST_END, in steps (operation.h); vmas: what the process has mapped. 0 or -errno; -ENOTTY: Linux
 * older than 6.7.
 */
int pagemap_own_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs);
/* The same for resident pages of files that are mapped in the process's page tables. */
int pagemap_file_runs(pid_t pid, const struct vma_list *vmas, struct page_runs *runs);
/*
 * Of the runs, all of resident private pages, the pages that no other process shares (alone), and those that
 * it has had from its parent since the fork (shared); both empty so far. 0 or -errno.
 */
int pagemap_tell_shared(pid_t pid, const struct page_runs *runs, struct page_runs *alone,
			struct page_runs *shared);

#endif
