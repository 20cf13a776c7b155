/* Own pages of a process that hold just what its mapping would show without them. */
#ifndef TENDER_UNCHANGED_H
#define TENDER_UNCHANGED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/page_runs.h"
#include "plan/vma_list.h"
#include "process/page_buffer.h"

/* A file that mappings may be of, open for reading. */
struct backing {
	struct file_id file;
	int fd;
	const char *view; /* all `bytes` of it in memory, or NULL */
	uint64_t bytes;
};

/*
 * Removes from own the pages of the stopped process that equal their backing: zeroes in anonymous
 * memory, the file's bytes in a mapping of one of the files. A snapshot need not store them. What has
 * been read of the others goes to the buffer, unless NULL: the first of them, as many as there is room for.
 * 0 or -errno, when the process cannot be read.
 */
int unchanged_drop(pid_t pid, const struct vma_list *vmas, const struct backing *files, size_t file_count,
		   struct page_runs *own, struct page_buffer *buffer);

#endif
