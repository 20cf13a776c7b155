/*
 * What one tender has is handed to the others: one packet per snapshot, with its images, plan and layers as
 * descriptors.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/control.h"
#include "base/base.h"
#include "base/peer_set.h"
#include "loop/control.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "peers/peer.h"
#include "peers/peers.h"
#include "tender.h"

/* A capture or compaction whose peers have not all answered. */
struct handover {
	struct list_node node;
	uint64_t id;
	uint64_t snapshot;
	bool is_new; /* the peers did not have it before */
	bool is_share; /* of one that they have but for one of them */
	struct peer_set missing;
	int error;
	uint32_t uc, seq;
	size_t reply_bytes;
	char reply[];
};

/* What not every tender has taken, none keeps. */
static void forget(struct tender *t, uint64_t snapshot)
{
	struct peer_message m = { .type = PEER_FORGET, .number = snapshot };

	snapshot_drop(t, snapshot);
	for (int i = 0; i < t->count; i++)
		if (peer_is_there(t, i))
			peer_send(t->peers[i].source.fd, &m, NULL, 0);
}

static void finish(struct tender *t, struct handover *h)
{
	if (h->error)
		control_error(t, h->uc, h->seq, h->error,
			      "snapshot %lu could not be handed to every tender: %s", h->snapshot,
			      strerror(h->error));
	else
		control_ok(t, h->uc, h->seq, h->reply, h->reply_bytes);
	if (h->error && h->is_new)
		forget(t, h->snapshot);
	list_del(&h->node);
	free(h);
}

static void strike_off(struct tender *t, struct handover *h, int sender)
{
	peer_set_remove(&h->missing, sender);
	if (peer_set_is_empty(&h->missing))
		finish(t, h);
}

/* A new tender may lack what a compact snapshot builds on: it will be given both when it needs them. */
void handover_confirmed(struct tender *t, const struct peer_message *m, int sender)
{
	list_for_each(n, &t->handovers.all) {
		struct handover *h = list_entry(n, struct handover, node);

		if (h->id != m->handover)
			continue;
		if (h->is_share ? m->error != EEXIST : m->error != ENOENT)
			h->error = m->error ? (int)m->error : h->error;
		strike_off(t, h, sender);
		return;
	}
}

void handovers_without(struct tender *t, int index)
{
	list_for_each_safe(n, next, &t->handovers.all) {
		struct handover *h = list_entry(n, struct handover, node);

		if (!peer_set_has(&h->missing, index))
			continue;
		if (h->is_share)
			h->error = EPIPE;
		strike_off(t, h, index);
	}
}

static struct handover *new_handover(struct tender *t, uint64_t snapshot, uint32_t uc, uint32_t seq,
				     const void *reply, size_t bytes)
{
	struct handover *h = xcalloc(1, sizeof *h + bytes);

	h->id = ++t->handovers.next;
	h->snapshot = snapshot;
	h->uc = uc;
	h->seq = seq;
	h->reply_bytes = bytes;
	if (bytes)
		memcpy(h->reply, reply, bytes);
	list_add_tail(&h->node, &t->handovers.all);
	return h;
}

/* False: it is gone, or about to be. */
static bool send_to(struct tender *t, struct handover *h, const struct peer_message *m, int i, const int *fds,
		    int fd_count)
{
	int error = peer_send(t->peers[i].source.fd, m, fds, fd_count);

	if (error && !peer_is_end(error))
		h->error = EIO;
	if (!error)
		peer_set_add(&h->missing, i);
	return !error;
}

static void send_to_all(struct tender *t, struct handover *h, struct peer_message *m, const int *fds,
			int fd_count)
{
	m->handover = h->id;
	h->is_new = m->type == PEER_SNAPSHOT;
	for (int i = 0; i < t->count; i++)
		if (peer_is_there(t, i) && send_to(t, h, m, i, fds, fd_count) && m->is_compact)
			packed_hold(t, m->packed, m->plan_bytes, i);
	if (peer_set_is_empty(&h->missing))
		finish(t, h);
}

/* The descriptors that go along; their number. */
static int describe(struct tender *t, struct snapshot *s, struct peer_message *m, int fds[DEPLOY_FDS_MAX])
{
	int count = 0;

	*m = (struct peer_message){
		.type = PEER_SNAPSHOT,
		.number = s->number,
		.parent = s->parent,
		.is_compact = snapshot_is_compact(s),
		.plan_bytes = snapshot_is_compact(s) ? s->packed.bytes : s->pages->plan_bytes,
		.packed = s->packed.offset,
		.owner = s->packed.owner,
		.image_count = s->image_count,
		.layer_count = snapshot_is_compact(s) ? 0 : s->pages->layer_count,
	};
	for (int i = 0; i < s->image_count; i++) {
		m->images[i] = image_number(t, s->images[i]);
		fds[count++] = s->images[i]->fd;
	}
	if (!m->is_compact)
		fds[count++] = s->pages->plan_fd;
	for (int i = 0; i < m->layer_count; i++)
		fds[count++] = s->pages->layers[i]->fd;
	return count;
}

void peers_hand_over(struct tender *t, struct snapshot *s, uint32_t uc, uint32_t seq, const void *reply,
		     size_t bytes)
{
	int fds[DEPLOY_FDS_MAX], count;
	struct peer_message m;

	count = describe(t, s, &m, fds);
	send_to_all(t, new_handover(t, s->number, uc, seq, reply, bytes), &m, fds, count);
}

void peers_compact(struct tender *t, struct snapshot *s, uint32_t seq, const void *reply, size_t bytes)
{
	struct peer_message m = {
		.type = PEER_COMPACT,
		.number = s->number,
		.plan_bytes = s->packed.bytes,
		.packed = s->packed.offset,
		.owner = s->packed.owner,
		.is_compact = true,
	};

	send_to_all(t, new_handover(t, s->number, 0, seq, reply, bytes), &m, NULL, 0);
}

static int share(struct tender *t, const struct control_share *request, uint32_t seq)
{
	struct snapshot *s = snapshot_find(t, request->snapshot);
	struct handover *h;
	struct peer_message m;
	int fds[DEPLOY_FDS_MAX], count, to = (int)request->index;

	if (!s)
		return -ENOENT;
	if (to == t->index) {
		control_ok(t, 0, seq, NULL, 0);
		return 0;
	}
	if (request->index >= (uint32_t)t->count || !peer_is_there(t, to))
		return -ENOTCONN;
	count = describe(t, s, &m, fds);
	h = new_handover(t, s->number, 0, seq, NULL, 0);
	h->is_share = true;
	m.handover = h->id;
	if (!send_to(t, h, &m, to, fds, count))
		h->error = EPIPE;
	else if (m.is_compact && m.owner == t->index)
		packed_hold(t, m.packed, m.plan_bytes, to);
	if (peer_set_is_empty(&h->missing))
		finish(t, h);
	return 0;
}

void peers_share_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct control_share request;
	int error = -EINVAL;

	if (frame->len == sizeof request) {
		memcpy(&request, payload, sizeof request);
		error = share(t, &request, frame->seq);
	}
	if (error)
		control_error(t, 0, frame->seq, -error, "sharing of a snapshot: %s", strerror(-error));
}
