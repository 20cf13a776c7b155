/* netlink(7): NETLINK_ROUTE sockets. The UC's network never changes, so nothing is ever sent to groups. */
#include "netlink.h"

#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/uio.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "net/packet.h"
#include "process/ids.h"

#define REQUEST_MAX 1024u /* bytes in one send */
#define FIRST_FREE_PORT 0x80000000u

struct netlink_sock {
	struct sock sock;
	struct list_node bound;
	u32 port; /* 0: not bound */
	u32 groups;
	struct packet_queue queue;
};

static const struct sock_ops netlink_ops;
static struct list_node bound = { &bound, &bound };

static struct netlink_sock *netlink_of(struct sock *s)
{
	return (struct netlink_sock *)s;
}

struct sock *netlink_route_new(int type)
{
	struct netlink_sock *n = sock_new(&netlink_ops, sizeof *n, AF_NETLINK, type, NETLINK_ROUTE);

	if (!n)
		return NULL;
	list_init(&n->bound);
	packet_queue_init(&n->queue);
	return &n->sock;
}

static bool port_in_use(u32 port)
{
	list_for_each(node, &bound)
		if (list_entry(node, struct netlink_sock, bound)->port == port)
			return true;
	return false;
}

static int netlink_take_port(struct netlink_sock *n, u32 port)
{
	if (port_in_use(port))
		return -EADDRINUSE;
	n->port = port;
	list_add_tail(&n->bound, &bound);
	return 0;
}

/* The process id first, as libraries expect of their only socket. */
static void netlink_autobind(struct netlink_sock *n)
{
	u32 port = FIRST_FREE_PORT;

	if (n->port || !netlink_take_port(n, process_id()))
		return;
	while (netlink_take_port(n, port))
		port++;
}

static int netlink_check(const struct sock_addr *addr)
{
	if (addr->len < sizeof addr->nl)
		return -EINVAL;
	return addr->family == AF_NETLINK ? 0 : -EINVAL;
}

static int netlink_bind(struct sock *s, const struct sock_addr *addr)
{
	struct netlink_sock *n = netlink_of(s);
	int r = netlink_check(addr);

	if (r)
		return r;
	if (n->port && addr->nl.nl_pid && addr->nl.nl_pid != n->port)
		return -EINVAL;
	if (!n->port && addr->nl.nl_pid)
		r = netlink_take_port(n, addr->nl.nl_pid);
	if (r)
		return r;
	netlink_autobind(n);
	n->groups = addr->nl.nl_groups;
	return 0;
}

static int netlink_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker)
{
	(void)blocker;
	if (addr->family == AF_UNSPEC)
		return 0;
	int r = netlink_check(addr);
	if (r)
		return r;
	/* Only the kernel, port 0, is there to talk to. */
	if (addr->nl.nl_pid)
		return -ECONNREFUSED;
	netlink_autobind(netlink_of(s));
	return 0;
}

static int netlink_name(struct sock *s, bool peer, struct sock_addr *out)
{
	struct netlink_sock *n = netlink_of(s);

	memset(out, 0, sizeof *out);
	out->len = sizeof out->nl;
	out->nl.nl_family = AF_NETLINK;
	if (!peer) {
		out->nl.nl_pid = n->port;
		out->nl.nl_groups = n->groups;
	}
	return 0;
}

static int netlink_queue(struct netlink_sock *n, struct netlink_answer *a)
{
	struct iovec iov = { .iov_base = a->data, .iov_len = a->len };
	struct uio u = { .iov = &iov, .count = 1, .left = a->len, .kernel = true };
	struct sock_msg m = { .uio = &u, .scm = SCM_NONE };
	int error;

	if (n->queue.charge + a->len > n->sock.rcvbuf)
		return -ENOBUFS;
	struct packet *p = packet_new(&m, a->len, &error);
	if (!p)
		return error;
	packet_push(&n->queue, p);
	waitq_wake(&n->sock.wait, POLLIN | POLLRDNORM);
	return 0;
}

/* Answers each message in the len bytes at buf. What is no message ends it silently, as on Linux. */
static int netlink_serve(struct netlink_sock *n, u8 *buf, u64 len)
{
	int r = 0;

	while (!r && len >= NLMSG_HDRLEN) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
		struct netlink_answer a = { .port = n->port, .seq = h->nlmsg_seq };

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > len)
			break;
		if (h->nlmsg_flags & NLM_F_REQUEST && h->nlmsg_type >= NLMSG_MIN_TYPE) {
			rtnetlink_answer(&a, h);
			r = netlink_queue(n, &a);
		}
		u64 step = MIN(NLMSG_ALIGN((u64)h->nlmsg_len), len);
		buf += step;
		len -= step;
	}
	return r;
}

static ssize_t netlink_send(struct sock *s, struct sock_msg *m)
{
	struct netlink_sock *n = netlink_of(s);
	u8 request[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	u64 len = m->uio->left;
	int r = m->addr ? netlink_check(m->addr) : 0;

	if (r)
		return r;
	if (m->addr && m->addr->nl.nl_pid)
		return -ECONNREFUSED;
	if (len > sizeof request)
		return -EMSGSIZE;
	if (uio_read(m->uio, request, len))
		return -EFAULT;
	netlink_autobind(n);
	return netlink_serve(n, request, len) ?: (ssize_t)len;
}

static ssize_t netlink_recv(struct sock *s, struct sock_msg *m)
{
	struct netlink_sock *n = netlink_of(s);

	if (!n->queue.count)
		return -EAGAIN;
	if (m->addr)
		netlink_name(s, true, m->addr);
	return packet_recv(&n->queue, m);
}

static int netlink_shutdown(struct sock *s, u32 how)
{
	(void)s, (void)how;
	return -EOPNOTSUPP;
}

static u32 netlink_poll(struct sock *s)
{
	return POLLOUT | POLLWRNORM | (netlink_of(s)->queue.count ? POLLIN | POLLRDNORM : 0);
}

static long netlink_unread(struct sock *s)
{
	struct packet *p = packet_first(&netlink_of(s)->queue);

	return p ? p->len : 0;
}

static long netlink_unsent(struct sock *s)
{
	(void)s;
	return 0;
}

/* Membership of groups and details of error reports. */
static int netlink_setopt(struct sock *s, int level, int name, int value)
{
	(void)s, (void)name, (void)value;
	return level == SOL_NETLINK ? 0 : -ENOPROTOOPT;
}

static void netlink_close(struct sock *s)
{
	struct netlink_sock *n = netlink_of(s);

	list_del(&n->bound);
	packet_queue_clear(&n->queue);
}

static const struct sock_ops netlink_ops = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.send = netlink_send,
	.recv = netlink_recv,
	.shutdown = netlink_shutdown,
	.poll = netlink_poll,
	.unread = netlink_unread,
	.unsent = netlink_unsent,
	.setopt = netlink_setopt,
	.close = netlink_close,
};
