/* poll, ppoll. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void *volatile nowhere = (void *)8;

static int poll_one(int fd, int events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events, .revents = -1 };
	int n = poll(&p, 1, timeout);
	return n < 0 ? -1 : p.revents;
}

static void test_kinds(void)
{
	int p[2], file = open("/proc/self/exe", O_RDONLY);

	if (pipe(p))
		return;
	CHECK("regular file", poll_one(file, POLLIN | POLLOUT, -1) == (POLLIN | POLLOUT));
	CHECK("negative descriptor", poll_one(-1, POLLIN, 0) == 0);
	CHECK("closed descriptor", poll_one(998, POLLIN, -1) == POLLNVAL);
	CHECK("empty pipe", poll_one(p[0], POLLIN, 0) == 0);
	CHECK("writable pipe", poll_one(p[1], POLLIN | POLLOUT | POLLWRNORM, 0) == (POLLOUT | POLLWRNORM));
	CHECK("readable pipe",
	      write(p[1], "x", 1) == 1 && poll_one(p[0], POLLIN | POLLRDNORM, 0) == (POLLIN | POLLRDNORM));
	CHECK("hang-up with data", close(p[1]) == 0 && poll_one(p[0], POLLIN, 0) == (POLLIN | POLLHUP));
	close(p[0]);
	if (pipe(p))
		return;
	CHECK("no reader", close(p[0]) == 0 && poll_one(p[1], POLLOUT, 0) == (POLLOUT | POLLERR));
	close(p[1]);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK("unconnected TCP", poll_one(s, POLLIN | POLLOUT, 0) == (POLLOUT | POLLHUP));
	close(s);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK("unconnected Unix", poll_one(s, POLLIN | POLLOUT, 0) == (POLLOUT | POLLHUP));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK("UDP", poll_one(s, POLLIN | POLLOUT, 0) == POLLOUT);
	close(s);
	close(file);
}

static void test_vectors(void)
{
	enum { MANY = 200 };
	struct pollfd p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ .fd = eventfd(i == 150, 0), .events = POLLIN };
	CHECK("one of many", poll(p, MANY, -1) == 1 && p[150].revents == POLLIN && p[0].revents == 0);
	eventfd_write(p[3].fd, 1);
	p[7].fd = -p[7].fd;
	p[8].fd = 990;
	CHECK("three of many", poll(p, MANY, 0) == 3 && p[3].revents == POLLIN && p[8].revents == POLLNVAL);
	CHECK("none at all", poll(NULL, 0, 5) == 0);
	CHECK("bad pointer", FAILS(poll(nowhere, 1, 0), EFAULT));
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	CHECK("too many", FAILS(poll(p, limit.rlim_cur + 1, 0), EINVAL));
	for (int i = 0; i < MANY; i++)
		close(p[i].fd < 0 ? -p[i].fd : p[i].fd);
}

static void *write_later(void *fd)
{
	usleep(20000);
	eventfd_write(*(int *)fd, 1);
	return NULL;
}

static int signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

static void test_waiting(void)
{
	enum { MANY = 100 };
	struct pollfd p[MANY];
	struct timespec ts = { 0, 20000000 };
	pthread_t t;
	sigset_t usr1, none, now;

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ .fd = eventfd(0, 0), .events = POLLIN };
	pthread_create(&t, NULL, write_later, &p[77].fd);
	CHECK("woken", poll(p, MANY, -1) == 1 && p[77].revents == POLLIN);
	pthread_join(t, NULL);
	CHECK("ppoll time out", ppoll(p, 10, &ts, NULL) == 0);
	ts.tv_nsec = 1000000000;
	CHECK("ppoll bad time", FAILS(ppoll(p, 10, &ts, NULL), EINVAL));
	signal(SIGUSR1, on_signal);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	sigemptyset(&none);
	CHECK("ready wins over a signal", ppoll(p, MANY, NULL, &usr1) == 1 && signals == 0);
	CHECK("ppoll lets a signal in", FAILS(ppoll(p, 10, NULL, &none), EINTR) && signals == 1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK("the mask is back", sigismember(&now, SIGUSR1) == 1);
}

int main(void)
{
	test_kinds();
	test_vectors();
	test_waiting();
	printf("ok poll\n");
	return check_result();
}
