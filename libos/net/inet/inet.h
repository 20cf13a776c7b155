/*
 * IPv4 and IPv6: addresses, ports, and what TCP and UDP share. A UC has one interface, lo,
 * with 127.0.0.0/8 and ::1.
 */
#ifndef LIBOS_NET_INET_INET_H
#define LIBOS_NET_INET_INET_H

#include "net/packet.h"

/* The ports of one protocol. */
struct inet_ports {
	struct list_node bound; /* struct inet_sock.bound */
	u16 last; /* ephemeral port given last */
};

struct inet_sock {
	struct sock sock;
	struct inet_ports *ports;
	struct list_node bound; /* on a list when local.port is not 0 */
	struct inet_addr local, peer; /* peer.port 0: not connected */
	bool v6_only;
	bool listening;
	bool given_ip; /* bind(2) named the address: a disconnect keeps it */
};

static inline struct inet_sock *inet_of(struct sock *s)
{
	return (struct inet_sock *)s;
}

bool inet_is_v4(const struct inet_addr *a);
bool inet_is_any(const struct inet_addr *a);
/*
 * Whether a is this UC: loopback, or the unspecified address. Other addresses belong to a transport to the
 * outside.
 */
bool inet_is_local(const struct inet_addr *a);
bool inet_equal(const struct inet_addr *a, const struct inet_addr *b);
/* The source address of what goes to dest: 127.0.0.1 or ::1, port 0. */
struct inet_addr inet_loopback(const struct inet_addr *dest);
/* The unspecified address of the family, port 0. */
struct inet_addr inet_any(int family);

void inet_init(struct inet_sock *i, struct inet_ports *ports);
/* Reads an address that s was given. v4_ok: an IPv6 socket takes AF_INET too. -EINVAL, -EAFNOSUPPORT. */
int inet_parse(const struct inet_sock *i, const struct sock_addr *addr, bool v4_ok, struct inet_addr *out);
void inet_format(int family, const struct inet_addr *a, struct sock_addr *out);

int inet_bind(struct sock *s, const struct sock_addr *addr);
int inet_autobind(struct inet_sock *i); /* 0, -EADDRINUSE */
void inet_unbind(struct inet_sock *i);
/* Whether another socket keeps i from having its address (SO_REUSEADDR, SO_REUSEPORT). */
bool inet_conflict(const struct inet_sock *i);
/* Takes local.ip and port from an already bound socket: an accepted connection. */
void inet_share_port(struct inet_sock *child, const struct inet_addr *local);
/* 0 no, 1 by an unspecified address, 2 by its own. */
int inet_serves(const struct inet_sock *i, const struct inet_addr *dest);
/*
 * Points i at dest (unspecified means loopback), binds it and settles its own address.
 * -ENETUNREACH for what is not local.
 */
int inet_route(struct inet_sock *i, struct inet_addr *dest);
int inet_name(struct sock *s, bool peer, struct sock_addr *out);
int inet_setopt(struct sock *s, int level, int name, int value);
int inet_getopt(struct sock *s, int level, int name, int *value);

#endif
