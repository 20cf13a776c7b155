/* Sockets on the loopback, for guest programs. */
#ifndef GUESTS_LOOPBACK_H
#define GUESTS_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static inline struct sockaddr_in ipv4(const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static inline struct sockaddr_in6 ipv6(const char *ip, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	inet_pton(AF_INET6, ip, &a.sin6_addr);
	return a;
}

/* The port that s has, or its peer's. */
static inline int port_of(int s)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;
	return getsockname(s, (void *)&a, &len) ? -1 : ntohs(a.sin6_port);
}

static inline int poll_events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	poll(&p, 1, 0);
	return p.revents;
}

/* Polls until what is in the wanted bits is there, for what needs a moment on a real network. */
static inline int poll_until(int fd, int wanted)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	for (int i = 0; i < 200; i++) {
		poll(&p, 1, 0);
		if ((p.revents & wanted) == wanted)
			break;
		poll(NULL, 0, 5);
	}
	return p.revents;
}

static inline int int_option(int s, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	return getsockopt(s, level, name, &value, &len) ? -1 : value;
}

/* A listener on 127.0.0.1 and a connection to it. */
struct connection {
	int listener, client, server;
	struct sockaddr_in addr;
};

static inline int connection_open(struct connection *c)
{
	c->listener = socket(AF_INET, SOCK_STREAM, 0);
	c->addr = ipv4("127.0.0.1", 0);
	if (bind(c->listener, (void *)&c->addr, sizeof c->addr) || listen(c->listener, 5))
		return -1;
	c->addr = ipv4("127.0.0.1", port_of(c->listener));
	c->client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c->client, (void *)&c->addr, sizeof c->addr))
		return -1;
	c->server = accept(c->listener, NULL, NULL);
	return c->server < 0 ? -1 : 0;
}

#endif
