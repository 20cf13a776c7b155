/*
 * How pages differ from an earlier version of themselves, in words of 8 bytes. Pure: touches no
 * process. Only ever read by the process that wrote it.
 */
#ifndef TENDER_PAGE_DELTA_H
#define TENDER_PAGE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELTA_PAGE_WORDS 512

/* One record for each page that differs, in the order added. */
struct page_delta {
	char *data;
	size_t bytes, size;
	uint32_t pages;
};

/*
 * Records what makes `now`, the page at addr (below 16 TiB), out of base, both of
 * DELTA_PAGE_WORDS; nothing if they are equal.
 */
void page_delta_add(struct page_delta *delta, uint64_t addr, const uint64_t *base, const uint64_t *now);
void page_delta_free(struct page_delta *delta);

/* Where a reader of data stands. */
struct page_delta_reader {
	const char *at, *end;
};

/* Address of the next page; false at the end. */
bool page_delta_next(const struct page_delta_reader *reader, uint64_t *addr);
/* Makes the next page out of its base, in place, and moves on. */
void page_delta_apply(struct page_delta_reader *reader, uint64_t *page);

#endif
