/* timerfd: one shot, periodic, absolute, clocks, re-arming. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void *volatile nowhere = (void *)8;

#define MS 1000000l

static int set(int fd, int flags, long value_ns, long interval_ns)
{
	struct itimerspec its = {
		.it_value = { value_ns / 1000000000, value_ns % 1000000000 },
		.it_interval = { interval_ns / 1000000000, interval_ns % 1000000000 },
	};
	return timerfd_settime(fd, flags, &its, NULL);
}

static long now_ns(int clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000l + ts.tv_nsec;
}

static int readable(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, timeout);
}

static void test_errors(void)
{
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec its = { .it_value = { 0, 1000000000 } };
	uint64_t v;

	CHECK("flags", fcntl(t, F_GETFD) == FD_CLOEXEC && fcntl(t, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK("bad clock", FAILS(timerfd_create(77, 0), EINVAL));
	CHECK("bad flags", FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL));
	CHECK("bad time", FAILS(timerfd_settime(t, 0, &its, NULL), EINVAL));
	CHECK("bad pointer", FAILS(timerfd_settime(t, 0, nowhere, NULL), EFAULT));
	CHECK("no timerfd", FAILS(timerfd_gettime(0, &its), EINVAL));
	CHECK("not open", FAILS(timerfd_gettime(997, &its), EBADF));
	CHECK("not armed", FAILS(read(t, &v, 8), EAGAIN));
	CHECK("short read", FAILS(read(t, &v, 4), EINVAL));
	CHECK("no write", FAILS(write(t, &v, 8), EINVAL));
	close(t);
}

static void test_one_shot(int clock, const char *name)
{
	int t = timerfd_create(clock, 0);
	struct itimerspec its;
	uint64_t v = 0;
	long start = now_ns(CLOCK_MONOTONIC);

	printf("# %s\n", name);
	CHECK("arm", set(t, 0, 30 * MS, 0) == 0 && readable(t, 0) == 0);
	CHECK("time left",
	      timerfd_gettime(t, &its) == 0 && its.it_value.tv_nsec > 0 && its.it_value.tv_nsec <= 30 * MS);
	CHECK("blocking read", read(t, &v, 8) == 8 && v == 1);
	CHECK("not early", now_ns(CLOCK_MONOTONIC) - start >= 30 * MS);
	CHECK("only once", readable(t, 40) == 0);
	CHECK("disarmed",
	      timerfd_gettime(t, &its) == 0 && its.it_value.tv_nsec == 0 && its.it_value.tv_sec == 0);
	CHECK("absolute", set(t, TFD_TIMER_ABSTIME, now_ns(clock) + 20 * MS, 0) == 0 && readable(t, 0) == 0 &&
				  readable(t, 5000) == 1);
	CHECK("absolute, past", set(t, TFD_TIMER_ABSTIME, 1, 0) == 0 && readable(t, 1000) == 1 &&
					read(t, &v, 8) == 8 && v == 1);
	CHECK("disarm before", set(t, 0, 10 * MS, 0) == 0 && set(t, 0, 0, 0) == 0 && readable(t, 30) == 0);
	close(t);
}

static void test_periodic(void)
{
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec old, its = { .it_value = { 100, 0 } };
	uint64_t v = 0, sum = 0;

	CHECK("arm", set(t, 0, 10 * MS, 10 * MS) == 0);
	usleep(55000);
	CHECK("missed periods are counted", read(t, &v, 8) == 8 && v >= 5 && v < 40);
	for (int i = 0; i < 3; i++) {
		readable(t, -1);
		sum += read(t, &v, 8) == 8 ? v : 0;
	}
	CHECK("it goes on", sum >= 3);
	CHECK("old value", timerfd_settime(t, 0, &its, &old) == 0 && old.it_interval.tv_nsec == 10 * MS &&
				   old.it_value.tv_nsec <= 10 * MS);
	CHECK("setting clears", FAILS(read(t, &v, 8), EAGAIN));
	CHECK("a cancelable clock", FAILS(timerfd_settime(t, 8, &its, NULL), EINVAL));
	close(t);
}

static void test_epoll(void)
{
	int t = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	int woken = 0;
	uint64_t v;

	epoll_ctl(ep, EPOLL_CTL_ADD, t, &ev);
	CHECK("cancel on set", set(t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
				   now_ns(CLOCK_REALTIME) + 5 * MS, 5 * MS) == 0);
	for (int i = 0; i < 4; i++)
		woken += epoll_wait(ep, &ev, 1, 1000) == 1 && read(t, &v, 8) == 8;
	CHECK("epoll sees each period", woken == 4);
	close(t);
	close(ep);
}

int main(void)
{
	test_errors();
	test_one_shot(CLOCK_MONOTONIC, "monotonic");
	test_one_shot(CLOCK_REALTIME, "realtime");
	test_one_shot(CLOCK_BOOTTIME, "boottime");
	test_periodic();
	test_epoll();
	printf("ok timerfd\n");
	return check_result();
}
