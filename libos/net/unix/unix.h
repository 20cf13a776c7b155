/* AF_UNIX: what unix_name.c, unix_stream.c and unix_dgram.c share. */
#ifndef LIBOS_NET_UNIX_UNIX_H
#define LIBOS_NET_UNIX_UNIX_H

#include "net/packet.h"

struct unix_sock {
	struct sock sock;
	struct unix_name *name; /* counted, NULL: not bound */
	struct inode *inode;    /* counted, of a bound path */
	struct list_node bound; /* all bound sockets */
	bool closed;            /* its file is gone; peers may hold it still */

	struct packet_queue queue; /* to be received */
	struct unix_sock *peer;    /* counted; of a datagram socket: the default destination */

	/* stream and seqpacket */
	bool listening;
	u32 backlog_max, backlog_count;
	struct list_node backlog; /* accepted, by their pending */
	struct list_node pending;

	/* datagram: sockets whose peer this is, by their sender */
	struct list_node senders;
	struct list_node sender;
	bool refused; /* someone waits on this socket for room in its queue */
};

static inline struct unix_sock *unix_of(struct sock *s)
{
	return (struct unix_sock *)s;
}

struct unix_sock *unix_new(const struct sock_ops *ops, int type);
int unix_bind(struct sock *s, const struct sock_addr *addr);
/* The open socket of that type bound to addr, not counted: 0, -ECONNREFUSED, -EPROTOTYPE, path errors. */
int unix_find(const struct sock_addr *addr, int type, struct unix_sock **out);
int unix_name_of(struct sock *s, bool peer, struct sock_addr *out);
void unix_addr_of(const struct unix_name *name, struct sock_addr *out);
/* Gives up the name. */
void unix_unbind(struct unix_sock *u);
void unix_destroy(struct sock *s);
long unix_unsent(struct sock *s);

#endif
