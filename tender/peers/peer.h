/* What tenders of one node say to each other: for this room alone. */
#ifndef TENDER_PEER_H
#define TENDER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/layout.h"
#include "loop/loop.h"

struct tender;

struct peer {
	struct event_source source; /* its descriptor is -1 while there is no such tender */
	/* Words of its that are not held here any more, which it has not been told yet. */
	uint64_t *released;
	size_t released_count, released_size;
	uint32_t join_seq; /* request to answer when it has taken this one in, or 0 */
};

enum peer_message_type {
	PEER_SNAPSHOT,
	PEER_COMPACT,
	PEER_FORGET,
	PEER_RELEASE,
	PEER_CONFIRMED,
	PEER_HOLD,  /* the sender has of another a packed plan of this tender */
	PEER_HELLO, /* the first on each connection, from both sides */
};

struct peer_message {
	uint32_t type;
	int32_t error; /* of a confirmation: positive errno */
	uint64_t handover; /* the sender's name for it */
	uint64_t number, parent, plan_bytes;
	uint64_t packed; /* with is_compact: where the plan lies in the pack of owner; the receiver holds it,
	                   too */
	int32_t is_compact; /* the plan is relative to the parent; there is no file of it, and no layer */
	int32_t owner;
	int32_t image_count, layer_count;
	uint32_t images[UC_IMAGE_MAX]; /* numbers that the node has given them, or 0 */
	uint32_t index, fds; /* of PEER_HELLO: who says it, and which descriptors come along */
};

bool peer_is_there(const struct tender *t, int i);
/* What a send or a receipt says of a tender that is gone. */
bool peer_is_end(ssize_t error);
/* 0 or -errno. */
int peer_send(int sock, const struct peer_message *m, const int *fds, int fd_count);
/* EPOLLIN and hangups of a peer's socket. */
void peer_ready(struct tender *t, struct event_source *source, uint32_t events);
/* The other side is gone, or about to be replaced. */
void peer_gone(struct tender *t, int index);
/* A first message from tender `index` to one that has joined it. Takes the descriptors. */
void peer_welcomed(struct tender *t, int index, const struct peer_message *m, const int *fds, int fd_count);

/* handover.c: a peer has taken what it was handed, or not. */
void handover_confirmed(struct tender *t, const struct peer_message *m, int sender);
/* Nobody waits for that peer any more. */
void handovers_without(struct tender *t, int index);

#endif
