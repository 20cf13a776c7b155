/* AF_UNIX sockets with a connection: stream and seqpacket. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "mm/mm.h"
#include "unix.h"

#define PIECE_MAX 16384u /* bytes of a stream in one packet */
#define POLL_READ (POLLIN | POLLRDNORM)
#define POLL_WRITE (POLLOUT | POLLWRNORM | POLLWRBAND)

static const struct sock_ops stream_ops, seqpacket_ops;

struct sock *unix_stream_new(int type)
{
	struct unix_sock *u = unix_new(type == SOCK_STREAM ? &stream_ops : &seqpacket_ops, type);

	return u ? &u->sock : NULL;
}

static void wake_all(struct unix_sock *u)
{
	waitq_wake(&u->sock.wait, POLL_READ | POLL_WRITE | POLLHUP | POLLRDHUP | POLLERR);
}

static void join(struct unix_sock *a, struct unix_sock *b)
{
	a->peer = unix_of(sock_get(&b->sock));
	b->peer = unix_of(sock_get(&a->sock));
}

static int stream_pair(struct sock *a, struct sock *b)
{
	join(unix_of(a), unix_of(b));
	return 0;
}

static int stream_listen(struct sock *s, u32 backlog)
{
	struct unix_sock *u = unix_of(s);

	if (u->peer || !u->name)
		return -EINVAL;
	u->listening = true;
	u->backlog_max = backlog;
	waitq_wake(&s->wait, POLL_WRITE); /* connects that wait for room */
	return 0;
}

static int stream_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker)
{
	struct unix_sock *u = unix_of(s), *listener, *child;
	int r = unix_find(addr, s->type, &listener);

	if (r)
		return r;
	if (!listener->listening || listener->sock.shut & SHUT_RD_BIT)
		return -ECONNREFUSED;
	if (u->listening)
		return -EINVAL;
	if (u->peer)
		return -EISCONN;
	if (listener->backlog_count > listener->backlog_max) {
		*blocker = sock_get(&listener->sock);
		return -EAGAIN;
	}
	child = unix_new(s->ops, s->type);
	if (!child)
		return -ENOMEM;
	child->name = unix_name_get(listener->name);
	child->sock.pass_cred = listener->sock.pass_cred;
	join(u, child);
	list_add_tail(&child->pending, &listener->backlog);
	listener->backlog_count++;
	waitq_wake(&listener->sock.wait, POLL_READ);
	return 0;
}

static struct unix_sock *backlog_take(struct unix_sock *listener)
{
	struct unix_sock *child = list_entry(listener->backlog.next, struct unix_sock, pending);

	list_del(&child->pending);
	listener->backlog_count--;
	return child;
}

static int stream_accept(struct sock *s, struct sock **out)
{
	struct unix_sock *u = unix_of(s);

	if (!u->listening)
		return -EINVAL;
	if (list_empty(&u->backlog))
		return s->shut & SHUT_RD_BIT ? -EINVAL : -EAGAIN;
	*out = &backlog_take(u)->sock;
	waitq_wake(&s->wait, POLL_WRITE);
	return 0;
}

/* Why nothing can be sent, or 0. */
static int stream_send_error(struct unix_sock *u)
{
	if (u->sock.error)
		return sock_take_error(&u->sock);
	if (u->sock.shut & SHUT_WR_BIT)
		return -EPIPE;
	if (!u->peer)
		return -ENOTCONN;
	return u->peer->closed || u->peer->sock.shut & SHUT_RD_BIT ? -EPIPE : 0;
}

/* Queues the next n bytes of m at the peer. */
static ssize_t stream_queue(struct unix_sock *u, struct sock_msg *m, u64 n)
{
	int error;
	struct packet *p = packet_new(m, n, &error);

	if (!p)
		return error;
	packet_push(&u->peer->queue, p);
	waitq_wake(&u->peer->sock.wait, POLL_READ);
	return n;
}

static ssize_t stream_send(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (m->addr)
		return u->peer ? -EISCONN : -EOPNOTSUPP;
	int r = stream_send_error(u);
	if (r)
		return r;
	if (!m->uio->left)
		return 0;
	if (u->peer->queue.charge >= s->sndbuf) {
		s->no_space = true;
		return -EAGAIN;
	}
	return stream_queue(u, m, MIN(m->uio->left, PIECE_MAX));
}

static ssize_t seqpacket_send(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	int r = stream_send_error(u);
	if (r)
		return r;
	if (m->uio->left > s->sndbuf - 32)
		return -EMSGSIZE;
	u64 used = u->peer->queue.charge;
	if (used && used + m->uio->left + sizeof(struct packet) > s->sndbuf) {
		s->no_space = true;
		return -EAGAIN;
	}
	return stream_queue(u, m, m->uio->left);
}

static bool is_writable(const struct unix_sock *u)
{
	return !u->listening && (!u->peer || u->peer->queue.charge <= u->sock.sndbuf / 4);
}

/* After something was read: the peer may go on sending. */
static void stream_wake_sender(struct unix_sock *u)
{
	struct unix_sock *peer = u->peer;

	if (peer && peer->sock.no_space && is_writable(peer)) {
		peer->sock.no_space = false;
		waitq_wake(&peer->sock.wait, POLL_WRITE);
	}
}

/* What a reader of an empty queue is told. */
static ssize_t stream_read_end(struct unix_sock *u)
{
	if (u->sock.error)
		return sock_take_error(&u->sock);
	if (u->sock.shut & SHUT_RD_BIT)
		return 0;
	return u->listening || !u->peer ? (u->sock.type == SOCK_STREAM ? -EINVAL : -ENOTCONN) : -EAGAIN;
}

/* Moves files from a packet to m, or copies for a peek. */
static void stream_take_files(struct packet *p, struct sock_msg *m)
{
	if (!p->scm.files)
		return;
	if (m->flags & MSG_PEEK) {
		m->scm.files = scm_files_dup(p->scm.files);
	} else {
		m->scm.files = p->scm.files;
		p->scm.files = NULL;
	}
}

/* Reads over packets up to the first that brings files, which ends the message. */
static ssize_t stream_take(struct unix_sock *u, struct sock_msg *m)
{
	bool peek = m->flags & MSG_PEEK;
	u64 done = 0;

	list_for_each_safe(n, tmp, &u->queue.packets) {
		struct packet *p = list_entry(n, struct packet, node);
		u64 bytes = MIN(p->len - p->pos, m->uio->left);

		if (!bytes)
			break;
		if (uio_write(m->uio, p->data + p->pos, bytes))
			return done ? (ssize_t)done : -EFAULT;
		done += bytes;
		bool files = p->scm.files;
		stream_take_files(p, m);
		if (!peek) {
			p->pos += bytes;
			if (p->pos == p->len)
				packet_pop(&u->queue);
		}
		if (files)
			break;
	}
	return done;
}

static ssize_t stream_recv(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (!u->queue.count)
		return stream_read_end(u);
	if (m->addr && u->peer && u->peer->name)
		unix_addr_of(u->peer->name, m->addr);
	ssize_t n = stream_take(u, m);
	stream_wake_sender(u);
	return n;
}

static ssize_t seqpacket_recv(struct sock *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (!u->queue.count)
		return stream_read_end(u);
	ssize_t n = packet_recv(&u->queue, m);
	m->out_flags |= MSG_EOR;
	stream_wake_sender(u);
	return n;
}

static int stream_shutdown(struct sock *s, u32 how)
{
	struct unix_sock *u = unix_of(s);

	s->shut |= how;
	if (u->peer) {
		u->peer->sock.shut |=
			(how & SHUT_RD_BIT ? SHUT_WR_BIT : 0) | (how & SHUT_WR_BIT ? SHUT_RD_BIT : 0);
		wake_all(u->peer);
	}
	wake_all(u);
	return 0;
}

static u32 stream_poll(struct sock *s)
{
	struct unix_sock *u = unix_of(s);
	u32 found = 0;

	if (s->error)
		found |= POLLERR;
	if (s->shut == SHUT_BOTH || (!u->peer && !u->listening))
		found |= POLLHUP;
	if (s->shut & SHUT_RD_BIT)
		found |= POLLRDHUP | POLL_READ;
	if (u->queue.count || !list_empty(&u->backlog))
		found |= POLL_READ;
	if (is_writable(u))
		found |= POLL_WRITE;
	else
		s->no_space = true;
	return found;
}

static long stream_unread(struct sock *s)
{
	struct unix_sock *u = unix_of(s);
	long bytes = 0;

	if (u->listening)
		return -EINVAL;
	list_for_each(n, &u->queue.packets) {
		struct packet *p = list_entry(n, struct packet, node);

		bytes += p->len - p->pos;
		if (s->type != SOCK_STREAM)
			break;
	}
	return bytes;
}

static int stream_getopt(struct sock *s, int level, int name, int *value)
{
	if (level != SOL_SOCKET || name != SO_ACCEPTCONN)
		return -ENOPROTOOPT;
	*value = unix_of(s)->listening;
	return 0;
}

/* Ends the connection from the side of u; lost: with something that u did not read. */
static void disconnect(struct unix_sock *u, bool lost)
{
	struct unix_sock *peer = u->peer;

	if (!peer)
		return;
	if (lost && !peer->closed)
		peer->sock.error = -ECONNRESET;
	peer->sock.shut = SHUT_BOTH;
	wake_all(peer);
	u->peer = NULL;
	sock_put(&peer->sock);
}

static void stream_close(struct sock *s)
{
	struct unix_sock *u = unix_of(s);

	u->closed = true;
	s->shut = SHUT_BOTH;
	unix_unbind(u);
	while (!list_empty(&u->backlog)) {
		struct unix_sock *child = backlog_take(u);

		child->closed = true;
		packet_queue_clear(&child->queue);
		disconnect(child, true);
		sock_put(&child->sock);
	}
	bool lost = u->queue.count;
	packet_queue_clear(&u->queue);
	disconnect(u, lost);
	wake_all(u); /* connects that wait for room in the backlog */
}

static const struct sock_ops stream_ops = {
	.stream = true,
	.bind = unix_bind,
	.listen = stream_listen,
	.accept = stream_accept,
	.connect = stream_connect,
	.pair = stream_pair,
	.name = unix_name_of,
	.send = stream_send,
	.recv = stream_recv,
	.shutdown = stream_shutdown,
	.poll = stream_poll,
	.unread = stream_unread,
	.unsent = unix_unsent,
	.getopt = stream_getopt,
	.close = stream_close,
	.destroy = unix_destroy,
};

static const struct sock_ops seqpacket_ops = {
	.bind = unix_bind,
	.listen = stream_listen,
	.accept = stream_accept,
	.connect = stream_connect,
	.pair = stream_pair,
	.name = unix_name_of,
	.send = seqpacket_send,
	.recv = seqpacket_recv,
	.shutdown = stream_shutdown,
	.poll = stream_poll,
	.unread = stream_unread,
	.unsent = unix_unsent,
	.getopt = stream_getopt,
	.close = stream_close,
	.destroy = unix_destroy,
};
