/*
 * One packet per snapshot, with its images, plan and layers as descriptors, and one back.
 * A tender trusts its peers, which run the same code, but still checks what it takes.
 */
#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compact.h"
#include "control.h"
#include "descriptors.h"
#include "events.h"
#include "image.h"
#include "layer.h"
#include "pages.h"
#include "snapshot.h"
#include "words.h"

struct peer {
	struct event_source source;
	/* Words of its that are not held here any more, which it has not been told yet. */
	uint64_t *released;
	size_t released_count, released_size;
};

enum peer_message_type { PEER_SNAPSHOT, PEER_COMPACT, PEER_FORGET, PEER_RELEASE, PEER_CONFIRMED };

struct peer_message {
	uint32_t type;
	int32_t error; /* of a confirmation: positive errno */
	uint64_t handover; /* the sender's name for it */
	uint64_t number, parent, plan_bytes;
	uint64_t words; /* with is_compact: where the plan lies in the sender's pack; the receiver holds it, too */
	int32_t is_compact; /* the plan is relative to the parent; there is no file of it, and no layer */
	int32_t image_count, layer_count;
	uint32_t images[UC_IMAGE_MAX]; /* numbers that the node has given them, or 0 */
};

/* A capture or compaction whose peers have not all answered. */
struct handover {
	struct list_node node;
	uint64_t id;
	uint64_t snapshot;
	bool is_new; /* the peers did not have it before */
	int missing;
	int error;
	uint32_t uc, seq;
	size_t reply_bytes;
	char reply[];
};

static ssize_t send_message(int sock, const struct peer_message *m, const int *fds, int fd_count)
{
	struct iovec iov = { (void *)m, sizeof *m };

	return send_with_fds(sock, &iov, 1, fds, fd_count, 0);
}

/* What not every tender has taken, none keeps. */
static void forget(struct tender *t, uint64_t snapshot)
{
	struct peer_message m = { .type = PEER_FORGET, .number = snapshot };

	snapshot_drop(t, snapshot);
	for (int i = 0; i < t->count; i++)
		if (i != t->index)
			send_message(t->peers[i].source.fd, &m, NULL, 0);
}

static void finish(struct tender *t, struct handover *h)
{
	if (h->error)
		control_error(t, h->uc, h->seq, h->error, "snapshot %lu could not be handed to every tender: %s", h->snapshot,
			      strerror(h->error));
	else
		control_ok(t, h->uc, h->seq, h->reply, h->reply_bytes);
	if (h->error && h->is_new)
		forget(t, h->snapshot);
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

static struct words words_of(const struct peer_message *m, int sender)
{
	return (struct words){ .owner = sender, .offset = m->words, .bytes = m->plan_bytes };
}

static void refuse_words(struct tender *t, const struct peer_message *m, int sender)
{
	struct words words = words_of(m, sender);

	if (m->is_compact)
		words_release(t, &words);
}

/* All descriptors are used up, and so is the hold on words. */
static int take_snapshot(struct tender *t, const struct peer_message *m, int sender, const int *fds)
{
	struct snapshot *s = snapshot_new(t, m->number, m->parent);
	struct words words = words_of(m, sender);
	int error = adopt_images(t, s, m, fds);

	if (!m->is_compact) {
		int e = adopt_pages(t, s, m, fds + m->image_count);

		error = error ? error : e;
	}
	if (!error)
		error = descriptors_check();
	if (error)
		refuse_words(t, m, sender);
	else if (m->is_compact)
		error = compact_adopt(t, s, &words);
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
	struct words words = words_of(m, sender);

	if (s)
		return compact_adopt(t, s, &words);
	words_release(t, &words);
	return 0;
}

/* Takes the descriptors. */
static int take(struct tender *t, const struct peer_message *m, int sender, const int *fds, int fd_count)
{
	if (m->type == PEER_COMPACT && fd_count == 0)
		return take_words(t, m, sender);
	if (m->image_count < 0 || m->image_count > UC_IMAGE_MAX || m->layer_count < 0 || m->layer_count > LAYERS_MAX ||
	    fd_count != m->image_count + (m->is_compact ? 0 : 1 + m->layer_count)) {
		close_all(fds, fd_count);
		refuse_words(t, m, sender);
		return -EINVAL;
	}
	return take_snapshot(t, m, sender, fds);
}

static void peer_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct peer_message m = { 0 }, answer = { .type = PEER_CONFIRMED };
	struct iovec iov = { &m, sizeof m };
	int fds[DEPLOY_FDS_MAX], fd_count = 0, sender = (int)(container_of(source, struct peer, source) - t->peers);
	ssize_t n = recv_with_fds(source->fd, &iov, 1, fds, DEPLOY_FDS_MAX, &fd_count, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	/* The node's tenders live and die together. */
	if (n == 0)
		_exit(0);
	/* Cut short by the limit on descriptors alone, the rest of it has come. */
	if (n != sizeof m && n != -EMSGSIZE)
		fatal(n < 0 ? (int)-n : 0, "message of another tender");
	if (m.type == PEER_CONFIRMED) {
		confirmed(t, &m);
		return;
	}
	if (m.type == PEER_RELEASE) {
		words_released(t, m.words);
		return;
	}
	if (m.type == PEER_FORGET) {
		snapshot_drop(t, m.number);
		return;
	}
	answer.handover = m.handover;
	if (n < 0)
		refuse_words(t, &m, sender);
	answer.error = n < 0 ? EMFILE : -take(t, &m, sender, fds, fd_count);
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

static struct handover *new_handover(struct tender *t, uint64_t snapshot, uint32_t uc, uint32_t seq, const void *reply,
				     size_t bytes)
{
	struct handover *h = xcalloc(1, sizeof *h + bytes);

	h->id = ++t->next_handover;
	h->snapshot = snapshot;
	h->uc = uc;
	h->seq = seq;
	h->reply_bytes = bytes;
	memcpy(h->reply, reply, bytes);
	list_add_tail(&h->node, &t->handovers);
	return h;
}

/* words: of the own pack, which all then hold, or NULL. */
static void send_to_all(struct tender *t, struct handover *h, struct peer_message *m, const struct words *words,
			const int *fds, int fd_count)
{
	m->handover = h->id;
	h->is_new = m->type == PEER_SNAPSHOT;
	for (int i = 0; i < t->count; i++) {
		if (i == t->index)
			continue;
		if (send_message(t->peers[i].source.fd, m, fds, fd_count) < 0) {
			h->error = EIO;
			continue;
		}
		h->missing++;
		if (words)
			words_share(t, words);
	}
	if (!h->missing)
		finish(t, h);
}

void peers_hand_over(struct tender *t, struct snapshot *s, uint32_t uc, uint32_t seq, const void *reply, size_t bytes)
{
	struct peer_message m = {
		.type = PEER_SNAPSHOT,
		.number = s->number,
		.parent = s->parent,
		.is_compact = snapshot_is_compact(s),
		.plan_bytes = snapshot_is_compact(s) ? s->words.bytes : s->pages->plan_bytes,
		.words = s->words.offset,
		.image_count = s->image_count,
		.layer_count = snapshot_is_compact(s) ? 0 : s->pages->layer_count,
	};
	int fds[DEPLOY_FDS_MAX], count = 0;

	for (int i = 0; i < s->image_count; i++) {
		m.images[i] = image_number(t, s->images[i]);
		fds[count++] = s->images[i]->fd;
	}
	if (!m.is_compact)
		fds[count++] = s->pages->plan_fd;
	for (int i = 0; i < m.layer_count; i++)
		fds[count++] = s->pages->layers[i]->fd;
	send_to_all(t, new_handover(t, s->number, uc, seq, reply, bytes), &m, m.is_compact ? &s->words : NULL, fds, count);
}

void peers_compact(struct tender *t, struct snapshot *s, uint32_t seq, const void *reply, size_t bytes)
{
	struct peer_message m = {
		.type = PEER_COMPACT,
		.number = s->number,
		.plan_bytes = s->words.bytes,
		.words = s->words.offset,
		.is_compact = true,
	};

	send_to_all(t, new_handover(t, s->number, 0, seq, reply, bytes), &m, &s->words, NULL, 0);
}

void peers_release(struct tender *t, const struct words *words)
{
	struct peer *p = &t->peers[words->owner];

	if (p->released_count == p->released_size) {
		p->released_size = p->released_size ? p->released_size * 2 : 64;
		p->released = xrealloc(p->released, p->released_size * sizeof *p->released);
	}
	p->released[p->released_count++] = words->offset;
}

/* Never waits: the other one may be about to tell this one as much. */
static bool tell_released(struct peer *p, uint64_t offset)
{
	struct peer_message m = { .type = PEER_RELEASE, .words = offset };
	struct iovec iov = { &m, sizeof m };
	ssize_t n = send_with_fds(p->source.fd, &iov, 1, NULL, 0, MSG_DONTWAIT);

	/* The node's tenders live and die together. */
	if (n < 0 && n != -EAGAIN && n != -EPIPE)
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
