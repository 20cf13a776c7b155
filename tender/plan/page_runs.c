#include "plan/page_runs.h"

#include <stdbool.h>
#include <stdlib.h>

#include "abi/layout.h"
#include "base/base.h"

void page_runs_add(struct page_runs *runs, uint64_t start, uint64_t end)
{
	if (runs->count && runs->items[runs->count - 1].end >= start) {
		if (runs->items[runs->count - 1].end < end)
			runs->items[runs->count - 1].end = end;
		return;
	}
	if (runs->count == runs->size) {
		runs->size = runs->size ? runs->size * 2 : 256;
		runs->items = xrealloc(runs->items, runs->size * sizeof *runs->items);
	}
	runs->items[runs->count++] = (struct page_run){ start, end };
}

void page_runs_join(const struct page_runs *a, const struct page_runs *b, struct page_runs *out)
{
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		bool first = j == b->count || (i < a->count && a->items[i].start <= b->items[j].start);
		const struct page_run *run = first ? &a->items[i++] : &b->items[j++];

		page_runs_add(out, run->start, run->end);
	}
}

uint64_t page_runs_pages(const struct page_runs *runs)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < runs->count; i++)
		pages += (runs->items[i].end - runs->items[i].start) / UC_PAGE_SIZE;
	return pages;
}

size_t page_runs_find(const struct page_runs *runs, uint64_t addr)
{
	size_t low = 0, high = runs->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (runs->items[middle].end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void page_runs_free(struct page_runs *runs)
{
	free(runs->items);
	*runs = (struct page_runs){ 0 };
}
