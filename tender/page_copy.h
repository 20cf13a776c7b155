/* Pages of a stopped process, copied into a layer file. */
#ifndef TENDER_PAGE_COPY_H
#define TENDER_PAGE_COPY_H

#include <sys/types.h>

#include "layout.h"

/* Writes each run to fd at its offset; offsets ascend. 0 or -errno. */
int page_copy(pid_t pid, const struct layout_copy *runs, size_t count, int fd);

#endif
