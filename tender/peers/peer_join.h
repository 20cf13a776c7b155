/*
 * How tenders come to know each other. A new one listens; the node has those that are there connect with it.
 * They bring what it has to know of the one that it replaces: its pack, in which their words lie, and which
 * words those are.
 */
#ifndef TENDER_PEER_JOIN_H
#define TENDER_PEER_JOIN_H

#include <stdint.h>

struct tender;
struct control_frame;

/* Listens at path, unless it is NULL. */
void peer_join_init(struct tender *t, const char *path);
/* CONTROL_JOIN, at path. 0 or -errno; else the answer follows. */
int peer_join(struct tender *t, uint32_t index, const char *path, uint32_t seq);
/* CONTROL_AWAIT. */
void peer_await_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
