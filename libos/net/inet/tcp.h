/* Loopback TCP: what tcp.c (data) takes from tcp_connect.c (connections), which knows nothing of it. */
#ifndef LIBOS_NET_INET_TCP_H
#define LIBOS_NET_INET_TCP_H

#include "pipe/bytequeue.h"
#include "inet.h"

enum tcp_state {
	TCP_FRESH,      /* never connected, or its attempt failed */
	TCP_LISTENING,
	TCP_CONNECTING, /* waits for room in a listener's queue */
	TCP_CONNECTED,  /* stays so after either side has closed */
};

struct tcp_sock {
	struct inet_sock inet;
	enum tcp_state state;
	bool announced; /* connect(2) told that the connection is made, or why not */
	bool fin;       /* the peer sends no more */
	bool reset;     /* the connection was broken off */
	struct tcp_sock *peer; /* NULL: gone. Not counted: the one that goes says so */
	struct bytequeue received;
	bool urgent; /* urgent_byte has come and was not read */
	u8 urgent_byte;

	/* listener */
	struct list_node accepted; /* connections to be accepted, by their queued */
	struct list_node knocking; /* sockets in TCP_CONNECTING, by their queued */
	u32 accepted_count, backlog_max;
	struct list_node queued;
	struct tcp_sock *listener; /* of one that is queued */
};

static inline struct tcp_sock *tcp_of(struct sock *s)
{
	return (struct tcp_sock *)s;
}

#define TCP_POLL_READ (POLLIN | POLLRDNORM)
#define TCP_POLL_WRITE (POLLOUT | POLLWRNORM)
#define TCP_POLL_ALL (TCP_POLL_READ | TCP_POLL_WRITE | POLLRDHUP | POLLHUP | POLLERR)

/* tcp_connect.c. tcp_alloc: a fresh socket with these operations; NULL when memory is short. */
struct tcp_sock *tcp_alloc(const struct sock_ops *ops, int family);
int tcp_listen(struct sock *s, u32 backlog);
int tcp_accept(struct sock *s, struct sock **out);
int tcp_connect(struct sock *s, const struct sock_addr *addr, struct sock **blocker);
int tcp_connected(struct sock *s);
int tcp_shutdown(struct sock *s, u32 how);
void tcp_close(struct sock *s);

#endif
