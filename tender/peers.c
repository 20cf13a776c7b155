/*
 * One packet per snapshot, with its plan, layers and images as descriptors, and one back.
 * A tender trusts its peers, which run the same code, but still checks what it takes.
 */
#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "events.h"
#include "image.h"
#include "layer.h"
#include "snapshot.h"

struct peer {
	struct event_source source;
};

enum peer_message_type { PEER_SNAPSHOT, PEER_CONFIRMED };

struct peer_message {
	uint32_t type;
	int32_t error; /* of a confirmation: positive errno */
	uint64_t handover; /* the sender's name for it */
	uint64_t number, parent, plan_bytes;
	int32_t image_count, layer_count;
	uint32_t images[UC_IMAGE_MAX]; /* numbers that the node has given them, or 0 */
};

/* A capture whose peers have not all answered. */
struct handover {
	struct list_node node;
	uint64_t id;
	uint64_t snapshot;
	int missing;
	int error;
	uint32_t uc, seq;
	size_t reply_bytes;
	char reply[];
};

static void finish(struct tender *t, struct handover *h)
{
	if (h->error)
		control_error(t, h->uc, h->seq, h->error, "snapshot %lu could not be handed to every tender", h->snapshot);
	else
		control_ok(t, h->uc, h->seq, h->reply, h->reply_bytes);
	list_del(&h->node);
	free(h);
}

static void confirmed(struct tender *t, const struct peer_message *m)
{
	list_for_each(n, &t->handovers) {
		struct handover *h = list_entry(n, struct handover, node);

		if (h->id != m->handover)
			continue;
		if (m->error)
			h->error = m->error;
		if (--h->missing == 0)
			finish(t, h);
		return;
	}
}

/* Fills s from the descriptors, all of which are used up. */
static int adopt_files(struct tender *t, struct snapshot *s, const struct peer_message *m, const int *fds)
{
	int error = 0;

	for (int i = 0; i < m->image_count; i++) {
		int e = image_adopt(t, m->images[i], fds[i], &s->images[s->image_count]);

		if (!e)
			s->image_count++;
		else
			error = e;
	}
	s->plan_fd = fds[m->image_count];
	for (int i = 0; i < m->layer_count; i++) {
		int e = layer_adopt(t, fds[m->image_count + 1 + i], &s->layers[s->layer_count]);

		if (!e)
			s->layer_count++;
		else
			error = e;
	}
	return error;
}

static int take_snapshot(struct tender *t, const struct peer_message *m, const int *fds, int fd_count)
{
	struct snapshot *s;
	int error;

	if (m->image_count < 0 || m->image_count > UC_IMAGE_MAX || m->layer_count < 0 || m->layer_count > LAYERS_MAX ||
	    fd_count != m->image_count + 1 + m->layer_count) {
		for (int i = 0; i < fd_count; i++)
			close(fds[i]);
		return -EINVAL;
	}
	s = snapshot_new(m->number, m->parent);
	s->plan_bytes = m->plan_bytes;
	error = adopt_files(t, s, m, fds);
	if (!error)
		error = snapshot_publish(t, s);
	if (error)
		snapshot_put(s);
	return error;
}

static ssize_t send_message(int sock, const struct peer_message *m, const int *fds, int fd_count)
{
	struct iovec iov = { (void *)m, sizeof *m };

	return send_with_fds(sock, &iov, 1, fds, fd_count, 0);
}

static void peer_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct peer_message m, answer = { .type = PEER_CONFIRMED };
	struct iovec iov = { &m, sizeof m };
	int fds[DEPLOY_FDS_MAX], fd_count = 0;
	ssize_t n = recv_with_fds(source->fd, &iov, 1, fds, DEPLOY_FDS_MAX, &fd_count, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	/* The node's tenders live and die together. */
	if (n == 0)
		_exit(0);
	if (n != sizeof m)
		fatal(n < 0 ? (int)-n : 0, "message of another tender");
	if (m.type == PEER_CONFIRMED) {
		confirmed(t, &m);
		return;
	}
	answer.handover = m.handover;
	answer.error = -take_snapshot(t, &m, fds, fd_count);
	n = send_message(source->fd, &answer, NULL, 0);
	if (n < 0)
		fatal((int)-n, "answer to another tender");
}

void peers_open(struct tender *t, const int *socks)
{
	list_init(&t->handovers);
	t->peers = xcalloc((size_t)t->count, sizeof *t->peers);
	for (int i = 0; i < t->count; i++) {
		int error;

		t->peers[i].source = (struct event_source){ .fd = socks[i], .ready = peer_ready };
		if (i == t->index)
			continue;
		error = events_add(t, &t->peers[i].source, EPOLLIN);
		if (error)
			fatal(-error, "socket of another tender");
	}
}

struct event_source *peer_source(struct tender *t, int index)
{
	return index == t->index ? NULL : &t->peers[index].source;
}

void peers_hand_over(struct tender *t, struct snapshot *s, uint32_t uc, uint32_t seq, const void *reply, size_t bytes)
{
	struct handover *h = xcalloc(1, sizeof *h + bytes);
	struct peer_message m = {
		.type = PEER_SNAPSHOT,
		.handover = ++t->next_handover,
		.number = s->number,
		.parent = s->parent,
		.plan_bytes = s->plan_bytes,
		.image_count = s->image_count,
		.layer_count = s->layer_count,
	};
	int fds[DEPLOY_FDS_MAX], fd_count = snapshot_fds(s, fds);

	h->id = m.handover;
	h->snapshot = s->number;
	h->uc = uc;
	h->seq = seq;
	h->reply_bytes = bytes;
	memcpy(h->reply, reply, bytes);
	list_add_tail(&h->node, &t->handovers);
	for (int i = 0; i < s->image_count; i++)
		m.images[i] = image_number(t, s->images[i]);
	for (int i = 0; i < t->count; i++) {
		if (i == t->index)
			continue;
		if (send_message(t->peers[i].source.fd, &m, fds, fd_count) < 0)
			h->error = EIO;
		else
			h->missing++;
	}
	if (!h->missing)
		finish(t, h);
}
