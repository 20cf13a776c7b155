/* Own pages of a process that hold just what its mapping would show without them. */
#ifndef TENDER_UNCHANGED_H
#define TENDER_UNCHANGED_H

#include "maps.h"
#include "pagemap.h"

/* A file that mappings may be of, open for reading. */
struct backing {
	struct file_id file;
	int fd;
};

/*
 * Removes from own the pages of the stopped process that equal their backing: zeroes in anonymous
 * memory, the file's bytes in a mapping of one of the files. A snapshot need not store them.
 */
void unchanged_drop(pid_t pid, const struct vma_list *vmas, const struct backing *files, size_t file_count,
		    struct page_runs *own);

#endif
