/* What a UC that stands still has changed of a snapshot's memory. */
#ifndef TENDER_MEMORY_CHANGES_H
#define TENDER_MEMORY_CHANGES_H

#include "memory/pristine.h"
#include "plan/page_changes.h"
#include "process/tracee.h"

struct memory_changes {
	struct page_changes records; /* from the snapshot's pages to the UC's */
	uint64_t own_pages;      /* that the UC has to itself */
	/* With an error: what failed, and where if that is an address. */
	const char *failed;
	uint64_t conflict;
};

/*
 * Fills out, all zero so far, and pristine->other. 0 or -errno: -EOPNOTSUPP when no plan can map what the
 * UC has, -E2BIG when too much differs, or may.
 */
int memory_changes_find(struct pristine *pristine, const struct tracee *tracee, struct memory_changes *out);
void memory_changes_free(struct memory_changes *changes);

#endif
