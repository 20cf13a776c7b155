/* Pages of a stopped process, copied into a layer file. */
#ifndef TENDER_PAGE_COPY_H
#define TENDER_PAGE_COPY_H

#include <sys/types.h>

#include "plan/layout.h"
#include "process/page_buffer.h"

/*
 * Writes each run to fd at its offset; runs and offsets ascend. What is in the buffer, unless NULL, is not
 * read again. 0 or -errno.
 */
int page_copy(pid_t pid, const struct layout_copy *runs, size_t count, const struct page_buffer *buffer,
	      int fd);

#endif
