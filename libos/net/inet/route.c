/* Where what a socket sends goes. A transport to the outside begins here; today there is none. */
#include <asm/errno.h>

#include "inet.h"

int inet_route(struct inet_sock *i, struct inet_addr *dest)
{
	if (!inet_is_local(dest) || (i->v6_only && inet_is_v4(dest)))
		return -ENETUNREACH;
	/* An address of the other family: an IPv6 socket bound to ::1 cannot reach 127.0.0.1. */
	if (!inet_is_any(&i->local) && inet_is_v4(&i->local) != inet_is_v4(dest))
		return -ENETUNREACH;
	if (inet_is_any(dest)) {
		u16 port = dest->port;

		*dest = inet_loopback(dest);
		dest->port = port;
	}
	if (!i->local.port) {
		int r = inet_autobind(i);
		if (r)
			return r;
	}
	return 0;
}
