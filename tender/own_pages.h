/* The private pages of a stopped UC, found again without a look at all of its memory. */
#ifndef TENDER_OWN_PAGES_H
#define TENDER_OWN_PAGES_H

#include "context.h"
#include "pagemap.h"

/*
 * Appends their runs below UC_GUEST_END. What it finds it remembers in *before, where it looks first the next time: when
 * there are as many as the kernel counts, there are no others. 0 or -errno.
 */
int own_pages_find(pid_t pid, struct page_runs *before, struct page_runs *own);
uint64_t own_pages_count(const struct page_runs *runs);

#endif
