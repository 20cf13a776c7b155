/* epoll, edge-triggered: told at each arrival, not at each look. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static uint32_t ready(int ep)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, 0);
	return n == 1 ? ev[0].events : n == 0 ? 0 : ~0u;
}

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLET, .data.fd = fd };
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void test_pipe(void)
{
	int ep = epoll_create1(0), p[2];
	char buf[16];

	if (pipe2(p, O_NONBLOCK))
		return;
	CHECK("pipe: add", add(ep, p[0], EPOLLIN) == 0 && ready(ep) == 0);
	CHECK("pipe: an edge", write(p[1], "ab", 2) == 2 && ready(ep) == EPOLLIN);
	CHECK("pipe: told once", ready(ep) == 0);
	CHECK("pipe: not by reading", read(p[0], buf, 1) == 1 && ready(ep) == 0);
	CHECK("pipe: the next write", write(p[1], "c", 1) == 1 && ready(ep) == EPOLLIN && ready(ep) == 0);
	CHECK("pipe: two writes are one event",
	      write(p[1], "d", 1) == 1 && write(p[1], "e", 1) == 1 && ready(ep) == EPOLLIN && ready(ep) == 0);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	CHECK("pipe: MOD looks again", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev) == 0 && ready(ep) == EPOLLIN);
	CHECK("pipe: hang-up", close(p[1]) == 0 && ready(ep) == (EPOLLIN | EPOLLHUP) && ready(ep) == 0);
	close(p[0]);
	close(ep);
}

static void test_eventfd(void)
{
	int ep = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK);
	eventfd_t v;

	CHECK("eventfd: add", add(ep, e, EPOLLIN) == 0 && ready(ep) == 0);
	for (int i = 0; i < 3; i++)
		CHECK("eventfd: each write is an edge",
		      eventfd_write(e, 1) == 0 && ready(ep) == EPOLLIN && ready(ep) == 0);
	CHECK("eventfd: the sum", eventfd_read(e, &v) == 0 && v == 3 && ready(ep) == 0);
	close(e);
	close(ep);
}

static void test_writable(void)
{
	static char block[65536];
	int ep = epoll_create1(0), s[2];
	long sent = 0, got = 0, n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
		return;
	CHECK("socket: add",
	      add(ep, s[0], EPOLLIN | EPOLLOUT) == 0 && ready(ep) == EPOLLOUT && ready(ep) == 0);
	while ((n = write(s[0], block, sizeof block)) > 0)
		sent += n;
	CHECK("socket: full", FAILS(write(s[0], block, 1), EAGAIN) && sent > 0 && ready(ep) == 0);
	while ((n = read(s[1], block, sizeof block)) > 0)
		got += n;
	CHECK("socket: room again", got == sent && ready(ep) == EPOLLOUT && ready(ep) == 0);
	CHECK("socket: oneshot", write(s[1], "x", 1) == 1);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET | EPOLLONESHOT };
	CHECK("socket: once", epoll_ctl(ep, EPOLL_CTL_MOD, s[0], &ev) == 0 && ready(ep) == EPOLLIN);
	CHECK("socket: then disabled", write(s[1], "y", 1) == 1 && ready(ep) == 0);
	close(s[0]);
	close(s[1]);
	close(ep);
}

struct worker {
	int ep, e;
	unsigned long long sum;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct epoll_event ev;
	eventfd_t v;

	while (epoll_wait(w->ep, &ev, 1, -1) == 1) {
		while (eventfd_read(w->e, &v) == 0) {
			w->sum += v & 0xffffffff;
			if (v >> 32)
				return NULL;
		}
	}
	return NULL;
}

static void test_threads(void)
{
	struct worker w = { .ep = epoll_create1(0), .e = eventfd(0, EFD_NONBLOCK) };
	pthread_t t;

	add(w.ep, w.e, EPOLLIN);
	pthread_create(&t, NULL, work, &w);
	for (int i = 1; i <= 1000; i++) {
		eventfd_write(w.e, i);
		if (i % 100 == 0)
			usleep(1000);
	}
	eventfd_write(w.e, 1ull << 32);
	pthread_join(t, NULL);
	CHECK("threads: no edge is lost", w.sum == 500500);
}

int main(void)
{
	test_pipe();
	test_eventfd();
	test_writable();
	test_threads();
	printf("ok epoll_edge\n");
	return check_result();
}
