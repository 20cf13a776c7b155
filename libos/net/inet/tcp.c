/* tcp(7) on the loopback: sending, receiving, readiness. What one end sends lies at the other at once. */
#include "tcp.h"

#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/tcp.h>

#include "mm/mm.h"

/* tcpi_state of Linux. */
#define INFO_ESTABLISHED 1
#define INFO_SYN_SENT 2
#define INFO_FIN_WAIT2 5
#define INFO_CLOSE 7
#define INFO_CLOSE_WAIT 8
#define INFO_LISTEN 10

/* Bytes that may be under way: what the receiver takes and what the sender keeps. */
static u64 tcp_window(const struct tcp_sock *t)
{
	return (u64)t->inet.sock.sndbuf + t->peer->inet.sock.rcvbuf;
}

static u64 tcp_room(const struct tcp_sock *t)
{
	u64 used = t->peer->received.bytes;

	return used < tcp_window(t) ? tcp_window(t) - used : 0;
}

/* A third must be free before a sender is told to go on. */
static bool tcp_writable(const struct tcp_sock *t)
{
	return !t->peer || tcp_room(t) >= tcp_window(t) / 3;
}

/* Sends to an end that was closed: the bytes are lost, and the next send is told. */
static ssize_t tcp_send_void(struct tcp_sock *t, struct sock_msg *m)
{
	ssize_t n = m->uio->left;

	m->uio->left = 0;
	t->inet.sock.error = -EPIPE;
	t->inet.sock.shut = SHUT_BOTH;
	t->reset = true;
	waitq_wake(&t->inet.sock.wait, TCP_POLL_ALL);
	return n;
}

/*
 * MSG_OOB: the last byte of a send is urgent. The receiver gets it aside, or in the stream with
 * SO_OOBINLINE; there is one at a time, and no mark in the stream (SIOCATMARK).
 */
static ssize_t tcp_send_urgent(struct tcp_sock *t, struct sock_msg *m)
{
	struct tcp_sock *peer = t->peer;
	ssize_t n = 1;

	if (sockopt_stored(&peer->inet.sock, SOL_SOCKET, SO_OOBINLINE)) {
		n = bytequeue_push(&peer->received, m->uio, 1);
		if (n < 0)
			return n;
	} else {
		if (uio_read(m->uio, &peer->urgent_byte, 1))
			return -EFAULT;
		peer->urgent = true;
	}
	waitq_wake(&peer->inet.sock.wait, POLLPRI | TCP_POLL_READ);
	return n;
}

static ssize_t tcp_recv_urgent(struct tcp_sock *t, struct sock_msg *m)
{
	if (t->state == TCP_LISTENING)
		return -ENOTCONN;
	if (!t->urgent)
		return -EINVAL;
	if (!m->uio->left) {
		m->out_flags |= MSG_TRUNC;
		return 0;
	}
	if (uio_write(m->uio, &t->urgent_byte, 1))
		return -EFAULT;
	m->out_flags |= MSG_OOB;
	if (!(m->flags & MSG_PEEK))
		t->urgent = false;
	return 1;
}

static ssize_t tcp_send(struct sock *s, struct sock_msg *m)
{
	struct tcp_sock *t = tcp_of(s);

	if (s->error)
		return sock_take_error(s);
	if (t->state == TCP_CONNECTING)
		return -EAGAIN;
	if (t->state != TCP_CONNECTED || s->shut & SHUT_WR_BIT)
		return -EPIPE;
	if (!m->uio->left)
		return 0;
	if (!t->peer)
		return tcp_send_void(t, m);
	u64 room = tcp_room(t);
	if (!room) {
		s->no_space = true;
		return -EAGAIN;
	}
	if (m->flags & MSG_OOB) {
		if (m->uio->left == 1)
			return tcp_send_urgent(t, m);
		room = MIN(room, m->uio->left - 1);
	}
	ssize_t n = bytequeue_push(&t->peer->received, m->uio, room);
	if (n > 0)
		waitq_wake(&t->peer->inet.sock.wait, TCP_POLL_READ);
	return n;
}

/* What a reader is told when there are no bytes. */
static ssize_t tcp_read_end(struct tcp_sock *t)
{
	struct sock *s = &t->inet.sock;

	if (t->fin)
		return 0;
	if (s->error)
		return sock_take_error(s);
	if (t->state == TCP_FRESH || t->state == TCP_LISTENING)
		return -ENOTCONN;
	return s->shut & SHUT_RD_BIT ? 0 : -EAGAIN;
}

static ssize_t tcp_take(struct tcp_sock *t, struct sock_msg *m)
{
	u64 n = MIN(t->received.bytes, m->uio->left);

	if (m->flags & MSG_PEEK)
		return m->flags & MSG_TRUNC ? (ssize_t)n : bytequeue_peek(&t->received, m->uio, n, 0);
	if (m->flags & MSG_TRUNC) { /* tcp(7): bytes are thrown away */
		bytequeue_drop(&t->received, n);
		m->uio->left -= n;
		return n;
	}
	return bytequeue_pop(&t->received, m->uio, n);
}

static ssize_t tcp_recv(struct sock *s, struct sock_msg *m)
{
	struct tcp_sock *t = tcp_of(s);
	struct tcp_sock *peer = t->peer;

	if (m->flags & MSG_OOB)
		return tcp_recv_urgent(t, m);
	if (!t->received.bytes)
		return tcp_read_end(t);
	ssize_t n = tcp_take(t, m);
	if (peer && peer->inet.sock.no_space && tcp_writable(peer)) {
		peer->inet.sock.no_space = false;
		waitq_wake(&peer->inet.sock.wait, TCP_POLL_WRITE);
	}
	return n;
}

/* The directions in which nothing more goes. */
static u32 tcp_shut(const struct tcp_sock *t)
{
	return t->inet.sock.shut | (t->fin ? SHUT_RD_BIT : 0);
}

static u32 tcp_poll(struct sock *s)
{
	struct tcp_sock *t = tcp_of(s);
	u32 found = s->error ? POLLERR : 0;

	if (t->state == TCP_LISTENING)
		return found | (list_empty(&t->accepted) ? 0 : TCP_POLL_READ);
	if (t->state == TCP_FRESH || tcp_shut(t) == SHUT_BOTH)
		found |= POLLHUP;
	if (tcp_shut(t) & SHUT_RD_BIT || (t->state == TCP_FRESH && s->error))
		found |= TCP_POLL_READ | POLLRDHUP;
	if (t->state == TCP_CONNECTING)
		return found;
	if (t->received.bytes)
		found |= TCP_POLL_READ;
	if (t->urgent)
		found |= POLLPRI;
	if (s->shut & SHUT_WR_BIT || tcp_writable(t))
		found |= TCP_POLL_WRITE;
	else
		s->no_space = true;
	return found;
}

static long tcp_unread(struct sock *s)
{
	struct tcp_sock *t = tcp_of(s);

	return t->state == TCP_LISTENING ? -EINVAL : (long)t->received.bytes;
}

/* A byte counts as sent when it is where the peer may read it. */
static long tcp_unsent(struct sock *s)
{
	return tcp_of(s)->state == TCP_LISTENING ? -EINVAL : 0;
}

static int tcp_info_state(const struct tcp_sock *t)
{
	switch (t->state) {
	case TCP_LISTENING:
		return INFO_LISTEN;
	case TCP_CONNECTING:
		return INFO_SYN_SENT;
	case TCP_CONNECTED:
		if (t->reset || tcp_shut(t) == SHUT_BOTH)
			return INFO_CLOSE;
		if (t->fin)
			return INFO_CLOSE_WAIT;
		return t->inet.sock.shut & SHUT_WR_BIT ? INFO_FIN_WAIT2 : INFO_ESTABLISHED;
	case TCP_FRESH:
		break;
	}
	return INFO_CLOSE;
}

static int tcp_getopt(struct sock *s, int level, int name, int *value)
{
	if (level != IPPROTO_TCP || name != TCP_INFO)
		return inet_getopt(s, level, name, value);
	*value = tcp_info_state(tcp_of(s));
	return 0;
}

static int tcp_name(struct sock *s, bool peer, struct sock_addr *out)
{
	struct tcp_sock *t = tcp_of(s);

	if (peer && (t->state != TCP_CONNECTED || t->reset))
		return -ENOTCONN;
	return inet_name(s, peer, out);
}

static const struct sock_ops tcp_ops = {
	.stream = true,
	.urgent = true,
	.bind = inet_bind,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.connect = tcp_connect,
	.connected = tcp_connected,
	.name = tcp_name,
	.send = tcp_send,
	.recv = tcp_recv,
	.shutdown = tcp_shutdown,
	.poll = tcp_poll,
	.unread = tcp_unread,
	.unsent = tcp_unsent,
	.setopt = inet_setopt,
	.getopt = tcp_getopt,
	.close = tcp_close,
};

struct sock *tcp_new(int family)
{
	struct tcp_sock *t = tcp_alloc(&tcp_ops, family);

	return t ? &t->inet.sock : NULL;
}
