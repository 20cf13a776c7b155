/* epoll: level-triggered, oneshot, many events, nested, errors, end of file, signals and time-outs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void *volatile nowhere = (void *)8;

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int modify(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
}

/* The events of the one descriptor that is ready, 0 if none is. */
static uint32_t ready(int ep, int timeout)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, timeout);
	return n == 1 ? ev[0].events : n == 0 ? 0 : ~0u;
}

static void test_errors(int ep, int pipe_read)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int file = open("/proc/self/exe", O_RDONLY);

	CHECK("a regular file cannot be watched", FAILS(add(ep, file, EPOLLIN), EPERM));
	CHECK("an epoll cannot watch itself", FAILS(add(ep, ep, EPOLLIN), EINVAL));
	CHECK("unknown descriptor", FAILS(add(ep, 999, EPOLLIN), EBADF));
	CHECK("no epoll", FAILS(add(pipe_read, ep, EPOLLIN), EINVAL));
	CHECK("not watched: modify", FAILS(modify(ep, pipe_read, EPOLLIN), ENOENT));
	CHECK("not watched: delete", FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, pipe_read, NULL), ENOENT));
	CHECK("bad pointer", FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, pipe_read, nowhere), EFAULT));
	CHECK("bad operation", FAILS(epoll_ctl(ep, 77, pipe_read, &ev), EINVAL));
	CHECK("no room", FAILS(epoll_wait(ep, &ev, 0, 0), EINVAL));
	CHECK("wait on no epoll", FAILS(epoll_wait(pipe_read, &ev, 1, 0), EINVAL));
	CHECK("bad flags", FAILS(epoll_create1(1), EINVAL));
	CHECK("bad size", FAILS(epoll_create(0), EINVAL));
	close(file);
}

static void test_level(int ep, int p[2])
{
	char c;

	CHECK("add", add(ep, p[0], EPOLLIN) == 0);
	CHECK("added twice", FAILS(add(ep, p[0], EPOLLIN), EEXIST));
	CHECK("nothing yet", ready(ep, 0) == 0);
	CHECK("write", write(p[1], "ab", 2) == 2);
	CHECK("readable", ready(ep, 0) == EPOLLIN);
	CHECK("readable again: level", ready(ep, -1) == EPOLLIN);
	CHECK("read one of two", read(p[0], &c, 1) == 1 && ready(ep, 0) == EPOLLIN);
	CHECK("read the other", read(p[0], &c, 1) == 1 && ready(ep, 0) == 0);
	CHECK("oneshot", modify(ep, p[0], EPOLLIN | EPOLLONESHOT) == 0 && write(p[1], "c", 1) == 1);
	CHECK("once", ready(ep, 0) == EPOLLIN && ready(ep, 0) == 0);
	CHECK("armed again", modify(ep, p[0], EPOLLIN) == 0 && ready(ep, 0) == EPOLLIN);
	CHECK("not asked for", modify(ep, p[0], 0) == 0 && ready(ep, 0) == 0);
	CHECK("hang-up is always told",
	      read(p[0], &c, 1) == 1 && close(p[1]) == 0 && ready(ep, 0) == EPOLLHUP);
	CHECK("delete", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL) == 0 && ready(ep, 0) == 0);
}

static void test_close(int ep)
{
	int e = eventfd(1, 0), copy = dup(e);

	CHECK("watch an eventfd", add(ep, e, EPOLLIN) == 0 && ready(ep, 0) == EPOLLIN);
	CHECK("a duplicate keeps it", close(e) == 0 && ready(ep, 0) == EPOLLIN);
	CHECK("the last close ends it", close(copy) == 0 && ready(ep, 0) == 0);
}

static void test_socket(int ep)
{
	int s[2];

	CHECK("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK("writable", add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP) == 0 && ready(ep, 0) == EPOLLOUT);
	CHECK("both", write(s[1], "x", 1) == 1 && ready(ep, 0) == (EPOLLIN | EPOLLOUT));
	CHECK("half closed",
	      shutdown(s[1], SHUT_WR) == 0 && ready(ep, 0) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP));
	close(s[1]);
	CHECK("closed", ready(ep, 0) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP));
	close(s[0]);
}

static void test_nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(EPOLL_CLOEXEC), e = eventfd(0, 0);
	int chain[8];

	CHECK("cloexec", fcntl(outer, F_GETFD) == FD_CLOEXEC);
	CHECK("nest", add(inner, e, EPOLLIN) == 0 && add(outer, inner, EPOLLIN) == 0);
	CHECK("loop", FAILS(add(inner, outer, EPOLLIN), ELOOP));
	CHECK("outer quiet", ready(outer, 0) == 0);
	CHECK("outer ready", eventfd_write(e, 1) == 0 && ready(outer, 1000) == EPOLLIN);
	eventfd_t v;
	CHECK("outer quiet again", eventfd_read(e, &v) == 0 && ready(outer, 0) == 0);
	CHECK("exclusive of an epoll", FAILS(add(outer, epoll_create1(0), EPOLLIN | EPOLLEXCLUSIVE), EINVAL));
	int depth = 0;
	chain[0] = epoll_create1(0);
	for (int i = 1; i < 8; i++) {
		chain[i] = epoll_create1(0);
		if (add(chain[i], chain[i - 1], EPOLLIN) == 0)
			depth = i;
		else
			break;
	}
	printf("nesting depth %d\n", depth);
}

static void test_many(void)
{
	enum { MANY = 300 };
	int ep = epoll_create1(0), fds[MANY];
	struct epoll_event ev[MANY];
	char seen[MANY] = { 0 };

	for (int i = 0; i < MANY; i++) {
		fds[i] = eventfd(i % 3 == 0, 0);
		struct epoll_event one = { .events = EPOLLIN, .data.u64 = i };
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &one);
	}
	CHECK("every third", epoll_wait(ep, ev, MANY, 0) == MANY / 3);
	/* With little room, level-triggered descriptors take turns. */
	for (int i = 0; i < MANY / 3 / 10; i++)
		for (int n = epoll_wait(ep, ev, 10, 0); n > 0; n--)
			seen[ev[n - 1].data.u64] = 1;
	int count = 0;
	for (int i = 0; i < MANY; i++)
		count += seen[i];
	CHECK("all take turns", count == MANY / 3);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	CHECK("none left", epoll_wait(ep, ev, MANY, 0) == 0);
	close(ep);
}

static void *write_later(void *fd)
{
	usleep(20000);
	eventfd_write(*(int *)fd, 1);
	return NULL;
}

static void on_signal(int signo)
{
	(void)signo;
}

static void *signal_later(void *thread)
{
	usleep(20000);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

static void test_waiting(void)
{
	int ep = epoll_create1(0), e = eventfd(0, 0);
	struct epoll_event ev;
	struct timespec before, after, short_time = { 0, 20000000 };
	pthread_t t, self = pthread_self();
	sigset_t none;

	add(ep, e, EPOLLIN | EPOLLEXCLUSIVE);
	CHECK("exclusive is not modified", FAILS(modify(ep, e, EPOLLIN), EINVAL));
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK("time out", epoll_wait(ep, &ev, 1, 30) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK("not early",
	      (after.tv_sec - before.tv_sec) * 1000000000l + after.tv_nsec - before.tv_nsec >= 30000000);
	CHECK("pwait2 time out", epoll_pwait2(ep, &ev, 1, &short_time, NULL) == 0);
	pthread_create(&t, NULL, write_later, &e);
	CHECK("woken by a thread", epoll_wait(ep, &ev, 1, -1) == 1 && ev.data.fd == e);
	pthread_join(t, NULL);
	eventfd_t v;
	eventfd_read(e, &v);
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, signal_later, &self);
	CHECK("a signal ends it", FAILS(epoll_wait(ep, &ev, 1, -1), EINTR));
	pthread_join(t, NULL);
	sigset_t usr1, old;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	raise(SIGUSR1);
	CHECK("blocked", epoll_wait(ep, &ev, 1, 10) == 0);
	sigemptyset(&none);
	CHECK("pwait lets it in", FAILS(epoll_pwait(ep, &ev, 1, 1000, &none), EINTR));
	sigprocmask(SIG_BLOCK, NULL, &old);
	CHECK("the mask is back", sigismember(&old, SIGUSR1) == 1);
	close(ep);
	close(e);
}

int main(void)
{
	int ep = epoll_create1(0), p[2];

	if (pipe(p))
		return 1;
	test_errors(ep, p[0]);
	test_level(ep, p);
	test_close(ep);
	test_socket(ep);
	test_nested();
	test_many();
	test_waiting();
	printf("ok epoll\n");
	return check_result();
}
