/* Ports of TCP and UDP: who has which. */
#include <asm/errno.h>

#include "inet.h"

/* net.ipv4.ip_local_port_range */
#define PORT_FIRST 32768u
#define PORT_LAST 60999u

static bool has_v4(const struct inet_sock *i)
{
	return inet_is_v4(&i->local) || (inet_is_any(&i->local) && !i->v6_only);
}

static bool has_v6(const struct inet_sock *i)
{
	return !inet_is_v4(&i->local);
}

static bool overlap(const struct inet_sock *a, const struct inet_sock *b)
{
	if (!(has_v4(a) && has_v4(b)) && !(has_v6(a) && has_v6(b)))
		return false;
	return inet_is_any(&a->local) || inet_is_any(&b->local) || inet_equal(&a->local, &b->local);
}

static bool may_share(const struct inet_sock *a, const struct inet_sock *b)
{
	if (a->sock.reuse_port && b->sock.reuse_port)
		return true;
	return a->sock.reuse_addr && b->sock.reuse_addr && !b->listening;
}

bool inet_conflict(const struct inet_sock *i)
{
	list_for_each(n, &i->ports->bound) {
		const struct inet_sock *other = list_entry(n, struct inet_sock, bound);

		if (other != i && other->local.port == i->local.port && overlap(i, other) &&
		    !may_share(i, other))
			return true;
	}
	return false;
}

static bool port_in_use(const struct inet_ports *ports, u16 port)
{
	list_for_each(n, &ports->bound)
		if (list_entry(n, struct inet_sock, bound)->local.port == port)
			return true;
	return false;
}

int inet_autobind(struct inet_sock *i)
{
	struct inet_ports *ports = i->ports;

	for (u32 tries = PORT_FIRST; tries <= PORT_LAST; tries++) {
		if (ports->last < PORT_FIRST || ports->last >= PORT_LAST)
			ports->last = PORT_FIRST;
		else
			ports->last++;
		if (port_in_use(ports, ports->last))
			continue;
		i->local.port = ports->last;
		list_add(&i->bound, &ports->bound);
		return 0;
	}
	return -EADDRINUSE;
}

/* Checks the address of bind(2). */
static int bind_address(const struct inet_sock *i, const struct sock_addr *addr, struct inet_addr *local)
{
	int r = inet_parse(i, addr, false, local);

	if (r)
		return r;
	if (addr->family == AF_UNSPEC && !inet_is_any(local))
		return -EAFNOSUPPORT;
	if (i->v6_only && inet_is_v4(local))
		return -EINVAL;
	return inet_is_local(local) ? 0 : -EADDRNOTAVAIL;
}

int inet_bind(struct sock *s, const struct sock_addr *addr)
{
	struct inet_sock *i = inet_of(s);
	struct inet_addr local;

	int r = bind_address(i, addr, &local);
	if (r)
		return r;
	if (i->local.port)
		return -EINVAL;
	i->local = local;
	if (!local.port)
		r = inet_autobind(i);
	else if (inet_conflict(i))
		r = -EADDRINUSE;
	else
		list_add(&i->bound, &i->ports->bound);
	if (r)
		i->local = inet_any(s->family);
	else
		i->given_ip = !inet_is_any(&local);
	return r;
}

void inet_unbind(struct inet_sock *i)
{
	list_del(&i->bound);
	i->local.port = 0;
}

void inet_share_port(struct inet_sock *child, const struct inet_addr *local)
{
	child->local = *local;
	list_add_tail(&child->bound, &child->ports->bound);
}
