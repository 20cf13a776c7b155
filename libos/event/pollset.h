/* Waiting on many files at once: the common part of poll and select. */
#ifndef LIBOS_EVENT_POLLSET_H
#define LIBOS_EVENT_POLLSET_H

#include "thread/thread.h"
#include "vfs/vfs.h"

/* What a file without poll answers: regular files and directories are always ready. */
#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

struct poll_item {
	struct file *file; /* counted, or NULL for a descriptor that is not open */
	u32 want;          /* bits that count, those that need no asking included */
	u32 found;
};

u32 file_poll(struct file *f, struct poll_ctx *ctx);
/*
 * Fills found of each item, blocking until one is not 0 or the deadline is over.
 * Number of items with something found, -EINTR or -ENOMEM.
 */
int pollset_run(struct poll_item *items, u32 count, u64 deadline_ns);
/* ppoll and pselect: takes on the mask at addr, if addr is not 0. -EINVAL, -EFAULT. */
int poll_take_mask(u64 addr, u64 bytes);

#endif
