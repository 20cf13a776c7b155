/* Options that are accepted, kept and told again, but change nothing on a loopback. */
#include <asm/errno.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "mm/mm.h"
#include "sockopt.h"

/* udplite(7); no UAPI header has them. */
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11

/* high 1: a switch, any value but 0 turns it on. high above: values from low to high. high 0: any value. */
static const struct {
	int level, name, initial, low, high;
} known[] = {
	{ SOL_SOCKET, SO_DEBUG, 0, 0, 1 },
	{ SOL_SOCKET, SO_DONTROUTE, 0, 0, 1 },
	{ SOL_SOCKET, SO_BROADCAST, 0, 0, 1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 0, 0, 1 },
	{ SOL_SOCKET, SO_OOBINLINE, 0, 0, 1 },
	{ SOL_SOCKET, SO_NO_CHECK, 0, 0, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 0, 0, 0 },
	{ SOL_SOCKET, SO_RCVLOWAT, 1, 0, 0 },
	{ SOL_SOCKET, SO_TIMESTAMP, 0, 0, 1 },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 0, 0, 1 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 0, 0, 1 },
	{ SOL_SOCKET, SO_BUSY_POLL, 0, 0, 0 },
	{ SOL_SOCKET, SO_INCOMING_CPU, -1, 0, 0 },
	{ SOL_SOCKET, SO_ZEROCOPY, 0, 0, 1 },
	{ IPPROTO_TCP, TCP_NODELAY, 0, 0, 1 },
	{ IPPROTO_TCP, TCP_MAXSEG, 536, 88, 32767 },
	{ IPPROTO_TCP, TCP_CORK, 0, 0, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 7200, 1, 32767 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 75, 1, 32767 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 9, 1, 127 },
	{ IPPROTO_TCP, TCP_SYNCNT, 6, 1, 127 },
	{ IPPROTO_TCP, TCP_LINGER2, 60, 0, 0 },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0, 0 },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 0, 0 },
	{ IPPROTO_TCP, TCP_QUICKACK, 1, 0, 1 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, INT32_MAX },
	{ IPPROTO_TCP, TCP_FASTOPEN, 0, 0, 0 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1, 0, 0 },
	{ IPPROTO_UDP, UDP_CORK, 0, 0, 1 },
	{ IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 0, 0, 0 },
	{ IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 0, 0, 0 },
	{ IPPROTO_IP, IP_TOS, 0, 0, 0 },
	{ IPPROTO_IP, IP_TTL, 64, 1, 255 },
	{ IPPROTO_IP, IP_RECVERR, 0, 0, 1 },
	{ IPPROTO_IP, IP_PKTINFO, 0, 0, 1 },
	{ IPPROTO_IP, IP_RECVTOS, 0, 0, 1 },
	{ IPPROTO_IP, IP_RECVTTL, 0, 0, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 1, 0, 5 },
	{ IPPROTO_IP, IP_MULTICAST_TTL, 1, -1, 255 },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 1, 0, 1 },
	{ IPPROTO_IP, IP_MULTICAST_ALL, 1, 0, 1 },
	{ IPPROTO_IP, IP_FREEBIND, 0, 0, 1 },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, -1, 255 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, -1, 255 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, 0, 1 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, 0, 0, 0 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, 1, 0, 1 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_RECVERR, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_TCLASS, 0, -1, 255 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1, 0, 5 },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, 0, 0, 1 },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1, 0, 1 },
};

struct stored_option {
	struct list_node node;
	int level, name, value;
};

static int known_index(int level, int name)
{
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].level == level && known[i].name == name)
			return i;
	return -1;
}

static struct stored_option *stored_find(const struct sock *s, int level, int name)
{
	list_for_each(n, &s->options) {
		struct stored_option *o = list_entry(n, struct stored_option, node);

		if (o->level == level && o->name == name)
			return o;
	}
	return NULL;
}

int sockopt_store(struct sock *s, int level, int name, int value)
{
	struct stored_option *o = stored_find(s, level, name);
	int i = known_index(level, name);

	if (i < 0)
		return -ENOPROTOOPT;
	if (known[i].high == 1)
		value = !!value;
	else if (known[i].high && (value < known[i].low || value > known[i].high))
		return -EINVAL;
	if (value == -1 && known[i].low == -1)
		value = known[i].initial;
	if (!o) {
		o = kmalloc(sizeof *o);
		if (!o)
			return -ENOMEM;
		o->level = level;
		o->name = name;
		list_add_tail(&o->node, &s->options);
	}
	o->value = value;
	return 0;
}

int sockopt_load(const struct sock *s, int level, int name, int *value)
{
	const struct stored_option *o = stored_find(s, level, name);
	int i = known_index(level, name);

	if (i < 0)
		return -ENOPROTOOPT;
	*value = o ? o->value : known[i].initial;
	return 0;
}

int sockopt_stored(const struct sock *s, int level, int name)
{
	int value = 0;

	sockopt_load(s, level, name, &value);
	return value;
}

void sockopt_clear(struct sock *s)
{
	while (!list_empty(&s->options)) {
		struct stored_option *o = list_entry(s->options.next, struct stored_option, node);

		list_del(&o->node);
		kfree(o);
	}
}

int sockopt_copy(struct sock *to, const struct sock *from)
{
	list_for_each(n, &from->options) {
		const struct stored_option *o = list_entry(n, struct stored_option, node);
		int r = sockopt_store(to, o->level, o->name, o->value);

		if (r)
			return r;
	}
	return 0;
}
