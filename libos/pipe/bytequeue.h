/* A first-in first-out queue of bytes, in chunks allocated as needed: empty, it holds no memory. */
#ifndef LIBOS_PIPE_BYTEQUEUE_H
#define LIBOS_PIPE_BYTEQUEUE_H

#include "vfs/vfs.h"

struct bytequeue {
	struct list_node chunks;
	u64 bytes;
};

void bytequeue_init(struct bytequeue *q);
void bytequeue_clear(struct bytequeue *q);
/* Appends at most max bytes from u. Bytes taken; if none could be: -EFAULT or -ENOMEM. */
ssize_t bytequeue_push(struct bytequeue *q, struct uio *u, u64 max);
/* Moves at most max bytes from the front to u; bytes moved, or -EFAULT if none could be. */
ssize_t bytequeue_pop(struct bytequeue *q, struct uio *u, u64 max);
/* As pop, but the bytes stay; the first skip bytes are passed over. */
ssize_t bytequeue_peek(struct bytequeue *q, struct uio *u, u64 max, u64 skip);
/* Drops bytes from the front; bytes is at most what the queue holds. */
void bytequeue_drop(struct bytequeue *q, u64 bytes);

#endif
