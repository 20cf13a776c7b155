/* What netlink.c (sockets) and rtnetlink.c (answers) share. */
#ifndef LIBOS_NET_NETLINK_NETLINK_H
#define LIBOS_NET_NETLINK_NETLINK_H

#include "include/types.h"

#define NETLINK_ANSWER_MAX 1024u

/* One datagram to the guest: netlink messages one after another. */
struct netlink_answer {
	u32 port, seq; /* of the request */
	u32 len;
	u8 data[NETLINK_ANSWER_MAX];
};

struct nlmsghdr;

/* Answers one request of NETLINK_ROUTE; request points at its whole length. */
void rtnetlink_answer(struct netlink_answer *a, const struct nlmsghdr *request);

#endif
