/* AF_UNIX datagram sockets. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "mm/mm.h"
#include "unix.h"

#define QUEUE_MAX 10u /* net.unix.max_dgram_qlen: messages beyond this wait */
#define POLL_READ (POLLIN | POLLRDNORM)
#define POLL_WRITE (POLLOUT | POLLWRNORM | POLLWRBAND)

static const struct sock_ops dgram_ops;

struct sock *unix_dgram_new(void)
{
	struct unix_sock *u = unix_new(&dgram_ops, SOCK_DGRAM);

	return u ? &u->sock : NULL;
}

static void wake_all(struct unix_sock *u)
{
	waitq_wake(&u->sock.wait, POLL_READ | POLL_WRITE | POLLHUP | POLLRDHUP | POLLERR);
}

static void dgram_unpeer(struct unix_sock *u)
{
	struct unix_sock *peer = u->peer;

	if (!peer)
		return;
	list_del(&u->sender);
	u->peer = NULL;
	sock_put(&peer->sock);
}

static void dgram_set_peer(struct unix_sock *u, struct unix_sock *peer)
{
	sock_get(&peer->sock);
	dgram_unpeer(u);
	u->peer = peer;
	list_add_tail(&u->sender, &peer->senders);
}

static int dgram_pair(struct sock *a, struct sock *b)
{
	dgram_set_peer(unix_of(a), unix_of(b));
	dgram_set_peer(unix_of(b), unix_of(a));
	return 0;
}

/* A connected receiver takes nothing from others. */
static bool may_send(const struct unix_sock *from, const struct unix_sock *to)
{
	return !to->peer || to->peer == from;
}

static int dgram_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker)
{
	struct unix_sock *u = unix_of(s), *peer;

	(void)blocker;
	if (addr->family == AF_UNSPEC) {
		dgram_unpeer(u);
		return 0;
	}
	int r = unix_find(addr, s->type, &peer);
	if (r)
		return r;
	if (!may_send(u, peer))
		return -EPERM;
	dgram_set_peer(u, peer);
	waitq_wake(&s->wait, POLL_WRITE);
	return 0;
}

/* Two sockets that are each other's peer bound their queue by bytes alone. */
static bool is_full(const struct unix_sock *from, const struct unix_sock *to)
{
	return (to->peer != from && to->queue.count > QUEUE_MAX) || to->queue.charge >= from->sock.sndbuf;
}

static int dgram_target(struct unix_sock *u, const struct sock_addr *addr, struct unix_sock **to)
{
	int r;

	if (addr) {
		r = unix_find(addr, u->sock.type, to);
		if (r)
			return r;
		return may_send(u, *to) ? 0 : -EPERM;
	}
	*to = u->peer;
	if (!u->peer)
		return -ENOTCONN;
	if (!u->peer->closed)
		return may_send(u, *to) ? 0 : -EPERM;
	dgram_unpeer(u);
	return -ECONNREFUSED;
}

static ssize_t dgram_send(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s), *to;
	u64 len = m->uio->left;
	int error = sock_take_error(s);

	if (error)
		return error;
	if (s->shut & SHUT_WR_BIT)
		return -EPIPE;
	if (len > s->sndbuf - 32)
		return -EMSGSIZE;
	error = dgram_target(u, m->addr, &to);
	if (error)
		return error;
	if (to->sock.shut & SHUT_RD_BIT)
		return -EPIPE;
	if (is_full(u, to)) {
		s->no_space = true;
		to->refused = true;
		m->blocker = sock_get(&to->sock);
		return -EAGAIN;
	}
	struct packet *p = packet_new(m, len, &error);
	if (!p)
		return error;
	p->name = unix_name_get(u->name);
	packet_push(&to->queue, p);
	waitq_wake(&to->sock.wait, POLL_READ);
	return len;
}

/* Tells those who were told that u is full. */
static void dgram_wake_senders(struct unix_sock *u)
{
	if (u->refused)
		waitq_wake(&u->sock.wait, POLL_WRITE);
	u->refused = false;
	list_for_each(n, &u->senders) {
		struct unix_sock *from = list_entry(n, struct unix_sock, sender);

		if (!from->sock.no_space || is_full(from, u))
			continue;
		from->sock.no_space = false;
		waitq_wake(&from->sock.wait, POLL_WRITE);
	}
}

static ssize_t dgram_recv(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (s->error)
		return sock_take_error(s);
	if (!u->queue.count)
		return s->shut & SHUT_RD_BIT && !m->nonblock ? 0 : -EAGAIN;
	struct unix_name *name = packet_first(&u->queue)->name;
	if (m->addr && name)
		unix_addr_of(name, m->addr);
	ssize_t n = packet_recv(&u->queue, m);
	dgram_wake_senders(u);
	return n;
}

static int dgram_shutdown(struct sock *s, u32 how)
{
	s->shut |= how;
	wake_all(unix_of(s));
	dgram_wake_senders(unix_of(s));
	return 0;
}

static u32 dgram_poll(struct sock *s)
{
	struct unix_sock *u = unix_of(s);
	u32 found = 0;

	if (s->error)
		found |= POLLERR;
	if (s->shut & SHUT_RD_BIT)
		found |= POLLRDHUP | POLL_READ;
	if (s->shut == SHUT_BOTH)
		found |= POLLHUP;
	if (u->queue.count)
		found |= POLL_READ;
	if (u->peer && !u->peer->closed && is_full(u, u->peer))
		s->no_space = true;
	else
		found |= POLL_WRITE;
	return found;
}

static long dgram_unread(struct sock *s)
{
	struct packet *p = packet_first(&unix_of(s)->queue);

	return p ? p->len : 0;
}

static void dgram_close(struct sock *s)
{
	struct unix_sock *u = unix_of(s);

	u->closed = true;
	unix_unbind(u);
	packet_queue_clear(&u->queue);
	dgram_unpeer(u);
	waitq_wake(&s->wait, POLL_WRITE); /* senders that block on u */
	list_for_each(n, &u->senders)
		wake_all(list_entry(n, struct unix_sock, sender));
}

static const struct sock_ops dgram_ops = {
	.bind = unix_bind,
	.connect = dgram_connect,
	.pair = dgram_pair,
	.name = unix_name_of,
	.send = dgram_send,
	.recv = dgram_recv,
	.shutdown = dgram_shutdown,
	.poll = dgram_poll,
	.unread = dgram_unread,
	.unsent = unix_unsent,
	.close = dgram_close,
	.destroy = unix_destroy,
};
