/* TCP: a sender is held back by a receiver that does not read; nothing is lost. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "loopback.h"

enum { BLOCK = 65536 };
static char block[BLOCK];

static void test_full(void)
{
	struct connection c;
	long sent = 0, got = 0, n;

	if (connection_open(&c))
		return;
	fcntl(c.client, F_SETFL, O_NONBLOCK);
	for (int quiet = 0; quiet < 5; quiet++) {
		while ((n = write(c.client, block, BLOCK)) > 0) {
			sent += n;
			quiet = 0;
		}
		usleep(20000);
	}
	CHECK("the sender is held",
	      FAILS(write(c.client, block, BLOCK), EAGAIN) && sent > 0 && sent < 64 << 20);
	CHECK("not writable", (poll_events(c.client) & POLLOUT) == 0);
	int ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	epoll_ctl(ep, EPOLL_CTL_ADD, c.client, &ev);
	CHECK("no edge", epoll_wait(ep, &ev, 1, 0) == 0);
	fcntl(c.server, F_SETFL, O_NONBLOCK);
	while (got < sent) {
		n = read(c.server, block, BLOCK);
		if (n > 0)
			got += n;
		else
			usleep(1000);
	}
	CHECK("an edge when there is room", epoll_wait(ep, &ev, 1, 1000) == 1 && (ev.events & EPOLLOUT));
	CHECK("writable", poll_events(c.client) == POLLOUT);
	close(c.client);
	close(c.server);
	close(c.listener);
}

static void test_timeout(void)
{
	struct connection c;
	struct timeval tv = { 0, 30000 };
	long n, sent = 0;
	int error;

	if (connection_open(&c))
		return;
	setsockopt(c.client, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	setsockopt(c.client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	while ((n = write(c.client, block, BLOCK)) > 0)
		sent += n;
	error = errno;
	CHECK("SO_SNDTIMEO", error == EAGAIN && sent > 0);
	CHECK("SO_RCVTIMEO", FAILS(read(c.client, block, BLOCK), EAGAIN));
	close(c.client);
	close(c.server);
	close(c.listener);
}

struct stream {
	int fd;
	unsigned long bytes;
	unsigned sum;
};

static void *receive(void *arg)
{
	struct stream *s = arg;
	unsigned char buf[10007];
	long n;

	while ((n = read(s->fd, buf, sizeof buf)) > 0) {
		s->bytes += n;
		for (long i = 0; i < n; i++)
			s->sum = s->sum * 31 + buf[i];
		if (s->bytes % 7 == 0)
			usleep(100);
	}
	return NULL;
}

static void test_stream(void)
{
	enum { BYTES = 8 << 20 };
	unsigned char *data = malloc(BYTES);
	struct connection c;
	struct stream s = { 0 };
	unsigned sum = 0;
	pthread_t t;
	int small = 5000;

	if (connection_open(&c))
		return;
	setsockopt(c.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	for (long i = 0; i < BYTES; i++) {
		data[i] = i * 13 + (i >> 11);
		sum = sum * 31 + data[i];
	}
	s.fd = c.server;
	pthread_create(&t, NULL, receive, &s);
	CHECK("one write takes all", write(c.client, data, BYTES) == BYTES);
	close(c.client);
	pthread_join(t, NULL);
	CHECK("all arrives in order", s.bytes == BYTES && s.sum == sum);
	close(c.server);
	close(c.listener);
	free(data);
}

static void test_backlog(void)
{
	int l = socket(AF_INET, SOCK_STREAM, 0), c[8], waiting = 0;
	struct sockaddr_in a = ipv4("127.0.0.1", 0);

	bind(l, (void *)&a, sizeof a);
	listen(l, 1);
	a = ipv4("127.0.0.1", port_of(l));
	for (int i = 0; i < 4; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(c[i], (void *)&a, sizeof a);
	}
	usleep(50000);
	for (int i = 0; i < 4; i++)
		waiting += (poll_events(c[i]) & POLLOUT) == 0;
	CHECK("two wait outside", waiting == 2);
	for (int i = 0; i < 4; i++)
		close(accept(l, NULL, NULL));
	int made = 0;
	for (int i = 0; i < 4; i++)
		made += (poll_until(c[i], POLLIN) & POLLIN) != 0;
	CHECK("all are let in", made == 4);
	for (int i = 0; i < 4; i++)
		close(c[i]);
	close(l);
}

int main(void)
{
	test_full();
	test_timeout();
	test_stream();
	test_backlog();
	printf("ok tcp_backpressure\n");
	return check_result();
}
