/* The node's other tenders: what one captures, all can deploy. */
#ifndef TENDER_PEERS_H
#define TENDER_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct tender;
struct event_source;
struct snapshot;
struct control_frame;
struct packed_plan;

struct handovers {
	struct list_node all;
	uint64_t next;
};

void peers_init(struct tender *t);
/* For a wait without epoll; NULL for the own index, and where there is none. */
struct event_source *peer_source(struct tender *t, int index);

/*
 * Hands a published snapshot, compact or not, to all peers; when the last has confirmed, or gone, the reply
 * of bytes goes to the node as CONTROL_OK of (uc, seq). At once if there are no peers.
 */
void peers_hand_over(struct tender *t, struct snapshot *s, uint32_t uc, uint32_t seq, const void *reply,
		     size_t bytes);
/* The same for a snapshot that they have, or had, and that is compact now. */
void peers_compact(struct tender *t, struct snapshot *s, uint32_t seq, const void *reply, size_t bytes);
/* Carries out CONTROL_SHARE. */
void peers_share_request(struct tender *t, const struct control_frame *frame, const char *payload);
/* Words of another tender are not held here any more; it hears of that with the next flush. */
void peers_release(struct tender *t, const struct packed_plan *packed);
/* False if not all could be told: it has to be called again. */
bool peers_flush(struct tender *t);

#endif
