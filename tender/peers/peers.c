/*
 * One packet per snapshot, with its images, plan and layers as descriptors, and one back.
 * A tender trusts its peers, which run the same code, but still checks what it takes.
 */
#include "peers/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/descriptors.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "peers/peer.h"
#include "tender.h"

int peer_send(int sock, const struct peer_message *m, const int *fds, int fd_count)
{
	struct iovec iov = { (void *)m, sizeof *m };
	ssize_t n = send_with_fds(sock, &iov, 1, fds, fd_count, 0);

	return n < 0 ? (int)n : 0;
}

bool peer_is_there(const struct tender *t, int i)
{
	return i != t->index && t->peers[i].source.fd >= 0;
}

bool peer_is_end(ssize_t error)
{
	return error == 0 || error == -EPIPE || error == -ECONNRESET;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static int adopt_images(struct tender *t, struct snapshot *s, const struct peer_message *m, const int *fds)
{
	int error = 0;

	for (int i = 0; i < m->image_count; i++) {
		int e = image_adopt(t, m->images[i], fds[i], &s->images[s->image_count]);

		if (!e)
			s->image_count++;
		else
			error = e;
	}
	return error;
}

/* fds: the plan, then layers. */
static int adopt_pages(struct tender *t, struct snapshot *s, const struct peer_message *m, const int *fds)
{
	int error = 0;

	s->pages = pages_new(fds[0], m->plan_bytes);
	for (int i = 0; i < m->layer_count; i++) {
		struct layer *layer;
		int e = layer_adopt(t, fds[1 + i], &layer);

		if (!e)
			pages_add_layer(s->pages, layer);
		else
			error = e;
	}
	return error;
}

/*
 * The tender in whose pack the words lie counts who holds them. It knows of those that it has handed to
 * somebody itself; others it is told of, before the sender may let go of them.
 */
static struct packed_plan packed_of(struct tender *t, const struct peer_message *m, int sender)
{
	struct packed_plan packed = { .owner = m->owner, .offset = m->packed, .bytes = m->plan_bytes };
	struct peer_message hold = { .type = PEER_HOLD, .packed = packed.offset, .plan_bytes = packed.bytes };

	if (m->owner == t->index)
		packed_hold(t, packed.offset, packed.bytes, t->index);
	else if (m->owner != sender && peer_is_there(t, m->owner))
		peer_send(t->peers[m->owner].source.fd, &hold, NULL, 0);
	return packed;
}

static void refuse_words(struct tender *t, const struct peer_message *m, int sender)
{
	struct packed_plan packed = { .owner = m->owner, .offset = m->packed, .bytes = m->plan_bytes };

	if (m->is_compact && m->owner == sender)
		packed_release(t, &packed);
}

/* All descriptors are used up, and so is the hold on the packed plan. */
static int take_snapshot(struct tender *t, const struct peer_message *m, int sender, const int *fds)
{
	struct snapshot *s = snapshot_new(t, m->number, m->parent);
	struct packed_plan packed;
	int error = adopt_images(t, s, m, fds);

	if (!m->is_compact) {
		int e = adopt_pages(t, s, m, fds + m->image_count);

		error = error ? error : e;
	}
	if (!error)
		error = descriptors_check();
	if (!error && snapshot_find(t, m->number))
		error = -EEXIST;
	if (error) {
		refuse_words(t, m, sender);
	} else if (m->is_compact) {
		packed = packed_of(t, m, sender);
		error = snapshot_make_compact(t, s, &packed);
	}
	if (!error)
		error = snapshot_publish(t, s);
	if (error)
		snapshot_put(s);
	return error;
}

/* It may have been dropped here while the message was on its way. */
static int take_words(struct tender *t, const struct peer_message *m, int sender)
{
	struct snapshot *s = snapshot_find(t, m->number);
	struct packed_plan packed = packed_of(t, m, sender);

	if (s)
		return snapshot_make_compact(t, s, &packed);
	packed_release(t, &packed);
	return 0;
}

/* Takes the descriptors. */
static int take(struct tender *t, const struct peer_message *m, int sender, const int *fds, int fd_count)
{
	if (m->type == PEER_COMPACT && fd_count == 0)
		return take_words(t, m, sender);
	if (m->image_count < 0 || m->image_count > UC_IMAGE_MAX || m->layer_count < 0 ||
	    m->layer_count > LAYERS_MAX || m->owner < 0 || m->owner >= t->count ||
	    fd_count != m->image_count + (m->is_compact ? 0 : 1 + m->layer_count)) {
		close_all(fds, fd_count);
		refuse_words(t, m, sender);
		return -EINVAL;
	}
	return take_snapshot(t, m, sender, fds);
}

static void answer(const struct peer *p, const struct peer_message *m, int error)
{
	struct peer_message answer = { .type = PEER_CONFIRMED, .handover = m->handover, .error = -error };
	int sent = peer_send(p->source.fd, &answer, NULL, 0);

	if (sent < 0 && !peer_is_end(sent))
		fatal(-sent, "answer to another tender");
}

static void handle(struct tender *t, struct peer *p, const struct peer_message *m, const int *fds,
		   int fd_count)
{
	int sender = (int)(p - t->peers);

	switch (m->type) {
	case PEER_CONFIRMED:
		handover_confirmed(t, m, sender);
		break;
	case PEER_RELEASE:
		packed_released(t, m->packed, sender);
		break;
	case PEER_HOLD:
		packed_hold(t, m->packed, m->plan_bytes, sender);
		break;
	case PEER_FORGET:
		snapshot_drop(t, m->number);
		break;
	case PEER_HELLO:
		peer_welcomed(t, sender, m, fds, fd_count);
		break;
	default:
		answer(p, m, take(t, m, sender, fds, fd_count));
		break;
	}
}

void peer_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct peer *p = container_of(source, struct peer, source);
	struct peer_message m = { 0 };
	struct iovec iov = { &m, sizeof m };
	int fds[DEPLOY_FDS_MAX], fd_count = 0;
	ssize_t n;

	(void)events;
	if (source->fd < 0)
		return;
	n = recv_with_fds(source->fd, &iov, 1, fds, DEPLOY_FDS_MAX, &fd_count, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return;
	if (peer_is_end(n)) {
		peer_gone(t, (int)(p - t->peers));
		return;
	}
	/* Cut short by the limit on descriptors alone, the rest of it has come. */
	if (n == -EMSGSIZE) {
		refuse_words(t, &m, (int)(p - t->peers));
		answer(p, &m, -EMFILE);
		return;
	}
	if (n != sizeof m)
		fatal(n < 0 ? (int)-n : 0, "message of another tender");
	handle(t, p, &m, fds, fd_count);
}

/*
 * What it held is not held any more, and what it would confirm is needed no more. Its UCs are no matter of
 * this tender.
 */
void peer_gone(struct tender *t, int index)
{
	struct peer *p = &t->peers[index];

	if (p->source.fd < 0)
		return;
	loop_remove(t, &p->source);
	close(p->source.fd);
	p->source.fd = -1;
	p->released_count = 0;
	if (p->join_seq)
		control_error(t, 0, p->join_seq, EPIPE, "tender %d is gone", index);
	p->join_seq = 0;
	packed_let_go(t, index);
	handovers_without(t, index);
}

void peers_init(struct tender *t)
{
	list_init(&t->handovers.all);
	t->peers = xcalloc((size_t)t->count, sizeof *t->peers);
	for (int i = 0; i < t->count; i++)
		t->peers[i].source = (struct event_source){ .fd = -1, .ready = peer_ready };
}

struct event_source *peer_source(struct tender *t, int index)
{
	return peer_is_there(t, index) ? &t->peers[index].source : NULL;
}

/* A tender that is gone counts no more; the next of its index hears what is held now. */
void peers_release(struct tender *t, const struct packed_plan *packed)
{
	struct peer *p = &t->peers[packed->owner];

	if (p->source.fd < 0)
		return;
	if (p->released_count == p->released_size) {
		p->released_size = p->released_size ? p->released_size * 2 : 64;
		p->released = xrealloc(p->released, p->released_size * sizeof *p->released);
	}
	p->released[p->released_count++] = packed->offset;
}

/* Never waits: the other one may be about to tell this one as much. */
static bool tell_released(struct peer *p, uint64_t offset)
{
	struct peer_message m = { .type = PEER_RELEASE, .packed = offset };
	struct iovec iov = { &m, sizeof m };
	ssize_t n = send_with_fds(p->source.fd, &iov, 1, NULL, 0, MSG_DONTWAIT);

	if (n < 0 && n != -EAGAIN && !peer_is_end(n))
		fatal((int)-n, "release of another tender's words");
	return n > 0;
}

bool peers_flush(struct tender *t)
{
	bool done = true;

	for (int i = 0; i < t->count; i++) {
		struct peer *p = &t->peers[i];

		while (p->released_count && tell_released(p, p->released[p->released_count - 1]))
			p->released_count--;
		done = done && !p->released_count;
	}
	return done;
}
