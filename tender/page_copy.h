/* Pages of a stopped process, copied into a layer file. */
#ifndef TENDER_PAGE_COPY_H
#define TENDER_PAGE_COPY_H

#include "pagemap.h"

/* Writes the runs one behind the other to fd, from offset 0 on. 0 or -errno. */
int page_copy(pid_t pid, const struct page_run *runs, size_t count, int fd);

#endif
