/* udp(7) and udplite(7) on the loopback: they differ in the checksum, and here there is none. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "inet.h"
#include "lib/string.h"
#include "mm/mm.h"

#define UDP_BYTES_MAX 65507u
#define POLL_READ (POLLIN | POLLRDNORM)
#define POLL_WRITE (POLLOUT | POLLWRNORM | POLLWRBAND)

struct udp_sock {
	struct inet_sock inet;
	struct packet_queue queue;
};

static const struct sock_ops udp_ops;
static struct inet_ports udp_ports = { .bound = { &udp_ports.bound, &udp_ports.bound } };
static struct inet_ports udplite_ports = { .bound = { &udplite_ports.bound, &udplite_ports.bound } };

static struct udp_sock *udp_of(struct sock *s)
{
	return (struct udp_sock *)s;
}

struct sock *udp_new(int family, int protocol)
{
	struct udp_sock *u = sock_new(&udp_ops, sizeof *u, family, SOCK_DGRAM, protocol);

	if (!u)
		return NULL;
	inet_init(&u->inet, protocol == IPPROTO_UDP ? &udp_ports : &udplite_ports);
	packet_queue_init(&u->queue);
	return &u->inet.sock;
}

/* The address that a datagram to dest comes from. */
static struct inet_addr udp_source(const struct inet_sock *i, const struct inet_addr *dest)
{
	struct inet_addr from = i->local;

	if (inet_is_any(&from))
		from = inet_loopback(dest);
	from.port = i->local.port;
	return from;
}

/* The socket that takes a datagram: a connected one before one with that address before the rest. */
static struct udp_sock *udp_find(const struct inet_ports *ports, const struct inet_addr *dest,
				 const struct inet_addr *from)
{
	struct udp_sock *best = NULL;
	int best_score = 0;

	list_for_each(n, &ports->bound) {
		struct inet_sock *i = list_entry(n, struct inet_sock, bound);
		int score = inet_serves(i, dest);

		if (!score || (i->peer.port && !inet_equal(&i->peer, from)))
			continue;
		score += i->peer.port ? 4 : 0;
		if (score > best_score) {
			best = (struct udp_sock *)i;
			best_score = score;
		}
	}
	return best;
}

static void udp_disconnect(struct inet_sock *i)
{
	i->peer = inet_any(i->sock.family);
	if (!i->given_ip)
		memcpy(i->local.ip, i->peer.ip, sizeof i->local.ip);
}

static int udp_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker)
{
	struct inet_sock *i = inet_of(s);
	struct inet_addr dest;

	(void)blocker;
	if (addr->family == AF_UNSPEC) {
		udp_disconnect(i);
		return 0;
	}
	int r = inet_parse(i, addr, true, &dest);
	if (r)
		return r;
	udp_disconnect(i);
	r = inet_route(i, &dest);
	if (r)
		return r;
	i->peer = dest;
	i->local = udp_source(i, &dest);
	return 0;
}

/* Where a message goes. Port 0 is nowhere. */
static int udp_dest(struct inet_sock *i, const struct sock_addr *addr, struct inet_addr *dest)
{
	if (!addr) {
		*dest = i->peer;
		return i->peer.port ? 0 : -EDESTADDRREQ;
	}
	int r = inet_parse(i, addr, true, dest);
	if (r)
		return r;
	return dest->port ? inet_route(i, dest) : -EINVAL;
}

static void udp_deliver(struct udp_sock *to, struct packet *p)
{
	/* As on any network, what does not fit is lost. */
	if (to->inet.sock.shut & SHUT_RD_BIT || to->queue.charge + packet_charge(p) > to->inet.sock.rcvbuf) {
		packet_free(p);
		return;
	}
	packet_push(&to->queue, p);
	waitq_wake(&to->inet.sock.wait, POLL_READ);
}

/* Hop limit and traffic class, where the message did not say. */
static void udp_defaults(const struct sock *s, struct packet *p)
{
	if (s->family != AF_INET6)
		return;
	if (p->scm.hop_limit < 0)
		p->scm.hop_limit = sockopt_stored(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
	if (p->scm.traffic_class < 0)
		p->scm.traffic_class = sockopt_stored(s, IPPROTO_IPV6, IPV6_TCLASS);
}

static ssize_t udp_send(struct sock *s, struct sock_msg *m)
{
	struct inet_sock *i = inet_of(s);
	u64 len = m->uio->left;
	struct inet_addr dest;

	if (s->error)
		return sock_take_error(s);
	if (len > UDP_BYTES_MAX)
		return -EMSGSIZE;
	if (s->shut & SHUT_WR_BIT)
		return -EPIPE;
	int r = udp_dest(i, m->addr, &dest);
	if (r)
		return r;
	struct packet *p = packet_new(m, len, &r);
	if (!p)
		return r;
	p->from = udp_source(i, &dest);
	udp_defaults(s, p);
	struct udp_sock *to = udp_find(i->ports, &dest, &p->from);
	if (to) {
		udp_deliver(to, p);
		return len;
	}
	packet_free(p);
	/* What an ICMP port unreachable does: only a connected socket learns of it. */
	if (i->peer.port) {
		s->error = -ECONNREFUSED;
		waitq_wake(&s->wait, POLLERR | POLL_READ | POLL_WRITE);
	}
	return len;
}

static ssize_t udp_recv(struct sock *s, struct sock_msg *m)
{
	struct udp_sock *u = udp_of(s);

	if (s->error)
		return sock_take_error(s);
	if (!u->queue.count)
		return s->shut & SHUT_RD_BIT && !m->nonblock ? 0 : -EAGAIN;
	struct inet_addr from = packet_first(&u->queue)->from;
	ssize_t n = packet_recv(&u->queue, m);
	if (n >= 0 && m->addr)
		inet_format(s->family, &from, m->addr);
	return n;
}

static int udp_shutdown(struct sock *s, u32 how)
{
	/* As Linux: it works, and wakes the readers, even where it has to fail. */
	s->shut |= how;
	waitq_wake(&s->wait, POLL_READ | POLL_WRITE | POLLHUP | POLLRDHUP);
	return inet_of(s)->peer.port ? 0 : -ENOTCONN;
}

static u32 udp_poll(struct sock *s)
{
	u32 found = POLL_WRITE;

	if (s->error)
		found |= POLLERR;
	if (s->shut & SHUT_RD_BIT)
		found |= POLLRDHUP | POLL_READ;
	if (s->shut == SHUT_BOTH)
		found |= POLLHUP;
	if (udp_of(s)->queue.count)
		found |= POLL_READ;
	return found;
}

static long udp_unread(struct sock *s)
{
	struct packet *p = packet_first(&udp_of(s)->queue);

	return p ? p->len : 0;
}

static long udp_unsent(struct sock *s)
{
	(void)s;
	return 0;
}

static void udp_close(struct sock *s)
{
	inet_unbind(inet_of(s));
	packet_queue_clear(&udp_of(s)->queue);
}

static const struct sock_ops udp_ops = {
	.bind = inet_bind,
	.connect = udp_connect,
	.name = inet_name,
	.send = udp_send,
	.recv = udp_recv,
	.shutdown = udp_shutdown,
	.poll = udp_poll,
	.unread = udp_unread,
	.unsent = udp_unsent,
	.setopt = inet_setopt,
	.getopt = inet_getopt,
	.close = udp_close,
};
