/* host/link.c: messages to and from the host, abi/link.h. */
#ifndef LIBOS_LINK_H
#define LIBOS_LINK_H

#include "abi/link.h"
#include "include/types.h"
#include "thread/thread.h"

/* Sends bytes as frames of one type, in pieces with LINK_MORE; waits while the host is slow. */
void link_send(u16 type, u64 tag, const void *data, u64 bytes);
/* Receives what is there and dispatches it; wait_ns: 0 do not wait, <0 until something came. */
void link_poll(s64 wait_ns);
/*
 * Asks and waits for the reply with the same tag; other frames are dispatched meanwhile.
 * Returns payload bytes in reply (its struct first) or -errno; *fd gets a descriptor or -1.
 */
long link_call(u16 type, const void *request, u64 request_bytes, void *reply, u64 reply_size, int *fd);

/* A byte stream from the host, read by a device or fd 0. */
struct link_stream {
	struct waitq readable;
	struct list_node chunks;
	u64 bytes;
	bool eof;
};
extern struct link_stream link_driver_in, link_stdin;
/* Moves up to bytes to dst; 0 when empty. */
u64 link_stream_take(struct link_stream *s, void *dst, u64 bytes);

/*
 * Parks the UC: no guest thread runs, no timer fires, until the host sends a frame.
 * Called by the read of /dev/seuss when nothing is queued.
 */
void link_park(void);

extern struct link_identity uc_identity;

#endif
