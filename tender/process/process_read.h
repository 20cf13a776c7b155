/* Memory of a stopped process. */
#ifndef TENDER_PROCESS_READ_H
#define TENDER_PROCESS_READ_H

#include <sys/types.h>
#include <sys/uio.h>

/*
 * Reads the pieces, which come to that many bytes, one after the other, whatever their protection. 0 or
 * -errno.
 */
int process_read(pid_t pid, const struct iovec *pieces, unsigned count, void *to, size_t bytes);

#endif
