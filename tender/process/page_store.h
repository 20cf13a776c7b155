/* Pages of a stopped process that have been read, in the order of their addresses. */
#ifndef TENDER_PAGE_STORE_H
#define TENDER_PAGE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"

/* A function's first snapshot stores 100 to 300 pages. */
#define PAGE_STORE_MAX 512

struct page_store {
	size_t count;
	uint64_t addrs[PAGE_STORE_MAX];
	char pages[PAGE_STORE_MAX][UC_PAGE_SIZE];
};

#endif
