/* Internet addresses and the local end of a socket. ip(7), ipv6(7). */
#include "inet.h"

#include <asm/errno.h>

#include "lib/string.h"

#define V4_PREFIX 12 /* bytes of ::ffff:0:0 */
#define SOCKADDR_IN6_MIN 24 /* RFC 2133: without sin6_scope_id */
#define LOOPBACK_NET 127

static const u8 v4_mapped[V4_PREFIX] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const struct inet_addr any6;
static const struct inet_addr any4 = { .ip = { [10] = 0xff, [11] = 0xff } };
static const struct inet_addr loopback6 = { .ip = { [15] = 1 } };
static const struct inet_addr loopback4 = {
	.ip = { [10] = 0xff, [11] = 0xff, [12] = LOOPBACK_NET, [15] = 1 }
};

static bool same_ip(const struct inet_addr *a, const struct inet_addr *b)
{
	return !memcmp(a->ip, b->ip, sizeof a->ip);
}

bool inet_is_v4(const struct inet_addr *a)
{
	return !memcmp(a->ip, v4_mapped, V4_PREFIX);
}

bool inet_is_any(const struct inet_addr *a)
{
	return same_ip(a, &any4) || same_ip(a, &any6);
}

bool inet_is_local(const struct inet_addr *a)
{
	if (inet_is_any(a))
		return true;
	return inet_is_v4(a) ? a->ip[V4_PREFIX] == LOOPBACK_NET : same_ip(a, &loopback6);
}

bool inet_equal(const struct inet_addr *a, const struct inet_addr *b)
{
	return a->port == b->port && same_ip(a, b);
}

struct inet_addr inet_any(int family)
{
	return family == AF_INET ? any4 : any6;
}

struct inet_addr inet_loopback(const struct inet_addr *dest)
{
	return inet_is_v4(dest) ? loopback4 : loopback6;
}

static u16 swap16(u16 v)
{
	return __builtin_bswap16(v);
}

static void parse_v4(const struct sock_addr *addr, struct inet_addr *out)
{
	memcpy(out->ip, v4_mapped, V4_PREFIX);
	memcpy(out->ip + V4_PREFIX, &addr->in4.sin_addr, sizeof addr->in4.sin_addr);
	out->port = swap16(addr->in4.sin_port);
}

int inet_parse(const struct inet_sock *i, const struct sock_addr *addr, bool v4_ok, struct inet_addr *out)
{
	bool is_v4_socket = i->sock.family == AF_INET;

	if (is_v4_socket || (v4_ok && addr->family == AF_INET)) {
		if (addr->len < sizeof addr->in4)
			return -EINVAL;
		if (addr->family != AF_INET && addr->family != AF_UNSPEC)
			return -EAFNOSUPPORT;
		parse_v4(addr, out);
		return 0;
	}
	if (addr->len < SOCKADDR_IN6_MIN)
		return -EINVAL;
	if (addr->family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(out->ip, &addr->in6.sin6_addr, sizeof out->ip);
	out->port = swap16(addr->in6.sin6_port);
	return 0;
}

void inet_format(int family, const struct inet_addr *a, struct sock_addr *out)
{
	memset(out, 0, sizeof *out);
	if (family == AF_INET) {
		out->len = sizeof out->in4;
		out->in4.sin_family = AF_INET;
		out->in4.sin_port = swap16(a->port);
		memcpy(&out->in4.sin_addr, a->ip + V4_PREFIX, sizeof out->in4.sin_addr);
	} else {
		out->len = sizeof out->in6;
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = swap16(a->port);
		memcpy(&out->in6.sin6_addr, a->ip, sizeof a->ip);
	}
}

void inet_init(struct inet_sock *i, struct inet_ports *ports)
{
	i->ports = ports;
	i->local = i->peer = inet_any(i->sock.family);
	list_init(&i->bound);
}

int inet_serves(const struct inet_sock *i, const struct inet_addr *dest)
{
	if (i->local.port != dest->port)
		return 0;
	if (same_ip(&i->local, dest))
		return 2;
	if (inet_is_v4(dest))
		return same_ip(&i->local, &any4) || (same_ip(&i->local, &any6) && !i->v6_only);
	return same_ip(&i->local, &any6);
}

int inet_name(struct sock *s, bool peer, struct sock_addr *out)
{
	struct inet_sock *i = inet_of(s);

	if (peer && !i->peer.port)
		return -ENOTCONN;
	inet_format(s->family, peer ? &i->peer : &i->local, out);
	return 0;
}

int inet_setopt(struct sock *s, int level, int name, int value)
{
	struct inet_sock *i = inet_of(s);

	if (level != IPPROTO_IPV6 || name != IPV6_V6ONLY)
		return -ENOPROTOOPT;
	if (i->local.port)
		return -EINVAL;
	i->v6_only = value;
	return 0;
}

int inet_getopt(struct sock *s, int level, int name, int *value)
{
	struct inet_sock *i = inet_of(s);

	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
		*value = i->v6_only;
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
		*value = i->listening;
		return 0;
	}
	return -ENOPROTOOPT;
}
