/*
 * How pages differ from an earlier version of themselves: struct plan_change and what follows it
 * (abi/plan.h). Pure: touches no process.
 */
#ifndef TENDER_PAGE_CHANGES_H
#define TENDER_PAGE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/plan.h"

#define PAGE_WORDS 512

/* One record for each page that differs, in the order added. */
struct page_changes {
	char *data;
	size_t bytes, size;
	uint32_t pages;
};

/*
 * Records what makes `now`, the page at addr (below 16 TiB), out of base, both of
 * PAGE_WORDS; nothing if they are equal. access: as in struct plan_change.
 */
void page_changes_add(struct page_changes *changes, uint64_t addr, uint16_t access, const uint64_t *base,
		      const uint64_t *now);
/*
 * Whatever data holds: the records are whole and within a page each, their pages ascend and may be a guest's.
 */
bool page_changes_is_sound(const void *data, size_t bytes);
/* The record at `at` of sound data: its head, and where the next one starts. */
const char *page_changes_next(const char *at, struct plan_change *change);
/* Makes the page at `to` out of its base by the record at `at`, in place. */
void page_changes_apply_one(const char *at, uint64_t *to);
/* Makes consecutive pages at `to`, the first of which is page 0, out of their base, in place. */
void page_changes_apply(const void *data, size_t bytes, uint64_t *to);
void page_changes_free(struct page_changes *changes);

#endif
