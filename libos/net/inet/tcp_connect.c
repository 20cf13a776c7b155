/* Loopback TCP: making and ending connections. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "tcp.h"

#define TCP_SNDBUF 131072u /* net.ipv4.tcp_wmem would start lower and grow */
#define TCP_RCVBUF 131072u /* net.ipv4.tcp_rmem */

static struct inet_ports ports = { .bound = { &ports.bound, &ports.bound } };

static void tcp_wake(struct tcp_sock *t)
{
	waitq_wake(&t->inet.sock.wait, TCP_POLL_ALL);
}

struct tcp_sock *tcp_alloc(const struct sock_ops *ops, int family)
{
	struct tcp_sock *t = sock_new(ops, sizeof *t, family, SOCK_STREAM, IPPROTO_TCP);

	if (!t)
		return NULL;
	t->inet.sock.sndbuf = TCP_SNDBUF;
	t->inet.sock.rcvbuf = TCP_RCVBUF;
	inet_init(&t->inet, &ports);
	bytequeue_init(&t->received);
	list_init(&t->accepted);
	list_init(&t->knocking);
	list_init(&t->queued);
	return t;
}

int tcp_listen(struct sock *s, u32 backlog)
{
	struct tcp_sock *t = tcp_of(s);

	if (t->state == TCP_CONNECTED || t->state == TCP_CONNECTING)
		return -EINVAL;
	if (!t->inet.local.port) {
		int r = inet_autobind(&t->inet);
		if (r)
			return r;
	} else if (t->state == TCP_FRESH && inet_conflict(&t->inet)) {
		return -EADDRINUSE;
	}
	t->state = TCP_LISTENING;
	t->inet.listening = true;
	t->backlog_max = backlog;
	return 0;
}

/* The listener for dest, the one with that very address first. */
static struct tcp_sock *tcp_find_listener(const struct inet_addr *dest)
{
	struct tcp_sock *best = NULL;
	int best_score = 0;

	list_for_each(n, &ports.bound) {
		struct inet_sock *i = list_entry(n, struct inet_sock, bound);
		int score = i->listening ? inet_serves(i, dest) : 0;

		if (score > best_score) {
			best = (struct tcp_sock *)i;
			best_score = score;
		}
	}
	return best;
}

static void tcp_queue(struct tcp_sock *t, struct tcp_sock *listener, struct list_node *queue)
{
	list_add_tail(&t->queued, queue);
	t->listener = listener;
}

static void tcp_unqueue(struct tcp_sock *t)
{
	list_del(&t->queued);
	t->listener = NULL;
}

static void tcp_refuse(struct tcp_sock *t)
{
	t->state = TCP_FRESH;
	t->inet.sock.error = -ECONNREFUSED;
	t->inet.peer.port = 0;
	tcp_wake(t);
}

/* Makes the listener's end of the connection that t asked for. */
static void tcp_establish(struct tcp_sock *t, struct tcp_sock *listener)
{
	struct sock *ls = &listener->inet.sock;
	struct tcp_sock *child = tcp_alloc(ls->ops, ls->family);

	if (!child || sockopt_copy(&child->inet.sock, ls)) {
		if (child)
			sock_put(&child->inet.sock);
		tcp_refuse(t);
		return;
	}
	sock_inherit(&child->inet.sock, ls);
	child->inet.v6_only = listener->inet.v6_only;
	inet_share_port(&child->inet, &t->inet.peer);
	child->inet.peer = t->inet.local;
	child->state = t->state = TCP_CONNECTED;
	child->announced = true;
	child->peer = t;
	t->peer = child;
	tcp_queue(child, listener, &listener->accepted);
	listener->accepted_count++;
	waitq_wake(&ls->wait, TCP_POLL_READ);
	waitq_wake(&t->inet.sock.wait, TCP_POLL_WRITE);
}

/* Lets in who knocks, as far as there is room. */
static void tcp_admit(struct tcp_sock *listener)
{
	while (!list_empty(&listener->knocking) && listener->accepted_count <= listener->backlog_max) {
		struct tcp_sock *t = list_entry(listener->knocking.next, struct tcp_sock, queued);

		tcp_unqueue(t);
		tcp_establish(t, listener);
	}
}

int tcp_accept(struct sock *s, struct sock **out)
{
	struct tcp_sock *t = tcp_of(s);

	if (t->state != TCP_LISTENING)
		return -EINVAL;
	if (list_empty(&t->accepted))
		return -EAGAIN;
	struct tcp_sock *child = list_entry(t->accepted.next, struct tcp_sock, queued);
	tcp_unqueue(child);
	t->accepted_count--;
	tcp_admit(t);
	*out = &child->inet.sock;
	return 0;
}

int tcp_connected(struct sock *s)
{
	struct tcp_sock *t = tcp_of(s);

	if (t->state == TCP_CONNECTING)
		return -EINPROGRESS;
	t->announced = true;
	if (t->state == TCP_CONNECTED)
		return 0;
	return sock_take_error(s) ?: -ECONNABORTED;
}

static int tcp_start(struct tcp_sock *t, const struct sock_addr *addr)
{
	struct inet_sock *i = &t->inet;
	struct inet_addr dest;
	int r = inet_parse(i, addr, false, &dest);

	if (!r)
		r = inet_route(i, &dest);
	if (r)
		return r;
	if (inet_is_any(&i->local)) {
		u16 port = i->local.port;

		i->local = inet_loopback(&dest);
		i->local.port = port;
	}
	i->peer = dest;
	t->announced = false;
	t->state = TCP_CONNECTING;
	struct tcp_sock *listener = tcp_find_listener(&dest);
	if (!listener) {
		tcp_refuse(t);
	} else {
		tcp_queue(t, listener, &listener->knocking);
		tcp_admit(listener);
	}
	return -EINPROGRESS;
}

/* The end of t as its peer sees it. lost: with bytes that t did not read. */
static void tcp_part(struct tcp_sock *t, bool lost)
{
	struct tcp_sock *peer = t->peer;

	if (!peer)
		return;
	t->peer = peer->peer = NULL;
	if (lost) {
		peer->inet.sock.error = peer->fin ? -EPIPE : -ECONNRESET;
		peer->inet.sock.shut = SHUT_BOTH;
		peer->reset = true;
	} else {
		peer->fin = true;
	}
	tcp_wake(peer);
}

/* connect(2) with AF_UNSPEC: as if the socket were new, but for its port. */
static int tcp_disconnect(struct tcp_sock *t)
{
	tcp_close(&t->inet.sock);
	t->state = TCP_FRESH;
	t->fin = t->reset = false;
	t->inet.sock.shut = 0;
	t->inet.sock.error = 0;
	t->inet.peer = inet_any(t->inet.sock.family);
	if (!t->inet.given_ip)
		t->inet.local = t->inet.peer;
	tcp_wake(t);
	return 0;
}

int tcp_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker)
{
	struct tcp_sock *t = tcp_of(s);

	(void)blocker;
	if (addr->family == AF_UNSPEC)
		return tcp_disconnect(t);
	switch (t->state) {
	case TCP_CONNECTING:
		return -EALREADY;
	case TCP_LISTENING:
		return -EISCONN;
	case TCP_CONNECTED:
		return t->announced ? -EISCONN : tcp_connected(s);
	case TCP_FRESH:
		break;
	}
	if (s->error)
		return tcp_connected(s);
	return tcp_start(t, addr);
}

static void tcp_unlisten(struct tcp_sock *t)
{
	t->inet.listening = false;
	while (!list_empty(&t->accepted)) {
		struct tcp_sock *child = list_entry(t->accepted.next, struct tcp_sock, queued);

		tcp_unqueue(child);
		t->accepted_count--;
		tcp_part(child, true);
		tcp_close(&child->inet.sock);
		sock_put(&child->inet.sock);
	}
	while (!list_empty(&t->knocking)) {
		struct tcp_sock *other = list_entry(t->knocking.next, struct tcp_sock, queued);

		tcp_unqueue(other);
		tcp_refuse(other);
	}
}

int tcp_shutdown(struct sock *s, u32 how)
{
	struct tcp_sock *t = tcp_of(s);

	if (t->state == TCP_LISTENING && how & SHUT_RD_BIT) {
		tcp_unlisten(t);
		t->state = TCP_FRESH;
		tcp_wake(t);
		return 0;
	}
	if (t->state != TCP_CONNECTED || t->reset)
		return -ENOTCONN;
	s->shut |= how;
	if (how & SHUT_WR_BIT && t->peer) {
		t->peer->fin = true;
		tcp_wake(t->peer);
	}
	tcp_wake(t);
	return 0;
}

void tcp_close(struct sock *s)
{
	struct tcp_sock *t = tcp_of(s);

	if (t->listener)
		tcp_unqueue(t);
	tcp_unlisten(t);
	inet_unbind(&t->inet);
	tcp_part(t, t->received.bytes || (s->linger_on && !s->linger_s));
	bytequeue_clear(&t->received);
}
