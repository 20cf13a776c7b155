/* Messages queued at a socket: datagrams, and the pieces of a Unix stream. */
#ifndef LIBOS_NET_PACKET_H
#define LIBOS_NET_PACKET_H

#include "scm.h"

/* An IPv4 address is kept as ::ffff:a.b.c.d. */
struct inet_addr {
	u8 ip[16];
	u16 port; /* host order */
};

/* An address of AF_UNIX that sockets and messages refer to. */
struct unix_name {
	u32 refs;
	u32 len; /* of un, the family included */
	struct sockaddr_un un;
};

struct unix_name *unix_name_get(struct unix_name *name); /* name may be NULL */
void unix_name_put(struct unix_name *name);

struct packet {
	struct list_node node;
	u32 len, pos; /* bytes in data; of a stream: bytes read already */
	struct scm scm;
	struct unix_name *name; /* of the sender, counted, or NULL */
	struct inet_addr from;
	u8 data[];
};

struct packet_queue {
	struct list_node packets;
	u32 count;
	u64 charge; /* bytes that the packets hold, their headers included */
};

void packet_queue_init(struct packet_queue *q);
void packet_queue_clear(struct packet_queue *q);
/*
 * A packet of the next len bytes of the message, with its control data. NULL: *error is -ENOMEM or -EFAULT.
 */
struct packet *packet_new(struct sock_msg *m, u64 len, int *error);
void packet_free(struct packet *p);
u64 packet_charge(const struct packet *p);
void packet_push(struct packet_queue *q, struct packet *p);
struct packet *packet_first(const struct packet_queue *q); /* NULL: empty */
void packet_pop(struct packet_queue *q); /* unlinks and frees the first */
/*
 * Gives the first packet to m as a datagram and takes it out, unless MSG_PEEK.
 * Bytes copied, or the datagram's length with MSG_TRUNC; -EFAULT.
 */
ssize_t packet_recv(struct packet_queue *q, struct sock_msg *m);

#endif
