/* Sets of pages, as runs of them. Pure: touches no process. */
#ifndef TENDER_PAGE_RUNS_H
#define TENDER_PAGE_RUNS_H

#include <stddef.h>
#include <stdint.h>

struct page_run {
	uint64_t start, end;
};

/* Sorted, not touching each other. */
struct page_runs {
	struct page_run *items;
	size_t count, size;
};

/* Appends, joining what touches or overlaps the last run; start is not before that of the last run. */
void page_runs_add(struct page_runs *runs, uint64_t start, uint64_t end);
/* Sets out, empty so far, to the pages of both. */
void page_runs_join(const struct page_runs *a, const struct page_runs *b, struct page_runs *out);
uint64_t page_runs_pages(const struct page_runs *runs);
/* Index of the first run that ends behind addr. */
size_t page_runs_find(const struct page_runs *runs, uint64_t addr);
void page_runs_free(struct page_runs *runs);

#endif
