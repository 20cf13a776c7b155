/* Pages of a stopped process that have been read, in the order of their addresses. */
#ifndef TENDER_PAGE_BUFFER_H
#define TENDER_PAGE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"

/* A function's first snapshot stores 100 to 300 pages. */
#define PAGE_BUFFER_MAX 512

struct page_buffer {
	size_t count;
	uint64_t addrs[PAGE_BUFFER_MAX];
	char pages[PAGE_BUFFER_MAX][UC_PAGE_SIZE];
};

#endif
