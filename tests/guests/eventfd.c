/* eventfd: counter, semaphore, limits, blocking. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	poll(&p, 1, 0);
	return p.revents;
}

static void test_counter(void)
{
	int e = eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t v, max = UINT64_MAX;
	struct stat st;

	CHECK("flags", fcntl(e, F_GETFD) == FD_CLOEXEC && fcntl(e, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK("fstat", fstat(e, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK("ready both ways", events(e) == (POLLIN | POLLOUT));
	CHECK("initial value", read(e, &v, 8) == 8 && v == 5);
	CHECK("empty", FAILS(read(e, &v, 8), EAGAIN) && events(e) == POLLOUT);
	CHECK("sum",
	      eventfd_write(e, 3) == 0 && eventfd_write(e, 4) == 0 && eventfd_read(e, &v) == 0 && v == 7);
	CHECK("short read", FAILS(read(e, &v, 7), EINVAL));
	CHECK("short write", FAILS(write(e, &v, 7), EINVAL));
	CHECK("all ones", FAILS(write(e, &max, 8), EINVAL));
	CHECK("full", eventfd_write(e, UINT64_MAX - 1) == 0 && events(e) == POLLIN);
	CHECK("overflow", FAILS(eventfd_write(e, 1), EAGAIN));
	CHECK("zero is nothing", eventfd_write(e, 0) == 0);
	CHECK("long read", read(e, (uint64_t[2]){ 0 }, 16) == 8);
	CHECK("bad flags", FAILS(eventfd(0, 0x10), EINVAL));
	CHECK("no seek", FAILS(lseek(e, 0, SEEK_SET), ESPIPE) || lseek(e, 0, SEEK_SET) == 0);
	close(e);
}

static void test_semaphore(void)
{
	int e = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	uint64_t v;

	CHECK("one", eventfd_read(e, &v) == 0 && v == 1);
	CHECK("two", eventfd_read(e, &v) == 0 && v == 1);
	CHECK("none", FAILS(eventfd_read(e, &v), EAGAIN));
	close(e);
}

struct pair {
	int ping, pong;
};

static void *echo(void *arg)
{
	struct pair *p = arg;
	eventfd_t v;

	while (eventfd_read(p->ping, &v) == 0 && v < 1000)
		eventfd_write(p->pong, v);
	return NULL;
}

static void *drain_later(void *arg)
{
	eventfd_t v;

	usleep(20000);
	eventfd_read(*(int *)arg, &v);
	return NULL;
}

static void test_threads(void)
{
	struct pair p = { eventfd(0, 0), eventfd(0, 0) };
	uint64_t v, wrong = 0;
	pthread_t t;

	pthread_create(&t, NULL, echo, &p);
	for (int i = 1; i < 1000; i++) {
		eventfd_write(p.ping, i);
		eventfd_read(p.pong, &v);
		wrong += v != (uint64_t)i;
	}
	eventfd_write(p.ping, 1000);
	pthread_join(t, NULL);
	CHECK("ping pong", wrong == 0);
	eventfd_write(p.ping, UINT64_MAX - 1);
	pthread_create(&t, NULL, drain_later, &p.ping);
	CHECK("a blocked write goes on", eventfd_write(p.ping, 9) == 0);
	pthread_join(t, NULL);
	CHECK("and counts", eventfd_read(p.ping, &v) == 0 && v == 9);
}

int main(void)
{
	test_counter();
	test_semaphore();
	test_threads();
	printf("ok eventfd\n");
	return check_result();
}
