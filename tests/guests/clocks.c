/* Clocks: which there are, that they agree, and sleeping by them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int64_t read_ns(clockid_t clock)
{
	struct timespec ts = { -1, 0 };
	/* The system call, not the vDSO. */
	if (syscall(SYS_clock_gettime, clock, &ts))
		return -1;
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t read_vdso_ns(clockid_t clock)
{
	struct timespec ts = { -1, 0 };
	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int close_to(int64_t a, int64_t b)
{
	int64_t d = a > b ? a - b : b - a;
	return a > 0 && d < 20000000;
}

static void test_reading(void)
{
	static const struct {
		clockid_t clock;
		const char *name;
	} clocks[] = {
		{ CLOCK_REALTIME, "CLOCK_REALTIME" },
		{ CLOCK_MONOTONIC, "CLOCK_MONOTONIC" },
		{ CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID" },
		{ CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID" },
		{ CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW" },
		{ CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE" },
		{ CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE" },
		{ CLOCK_BOOTTIME, "CLOCK_BOOTTIME" },
		{ CLOCK_TAI, "CLOCK_TAI" },
	};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		int64_t first = read_ns(clocks[i].clock), second = read_vdso_ns(clocks[i].clock);
		int64_t third = read_ns(clocks[i].clock);
		int coarse =
			clocks[i].clock == CLOCK_REALTIME_COARSE || clocks[i].clock == CLOCK_MONOTONIC_COARSE;
		CHECK(clocks[i].name, coarse ? close_to(first, second) && close_to(second, third)
					     : first > 0 && first <= second && second <= third);
	}
	struct timeval tv;
	gettimeofday(&tv, NULL);
	int64_t us = tv.tv_sec * 1000000ll + tv.tv_usec;
	CHECK("gettimeofday agrees", close_to(us * 1000, read_ns(CLOCK_REALTIME)));
	CHECK("the call too",
	      syscall(SYS_gettimeofday, &tv, NULL) == 0 && tv.tv_sec * 1000000ll + tv.tv_usec >= us);
	CHECK("time agrees", time(NULL) - tv.tv_sec <= 1 && syscall(SYS_time, NULL) - tv.tv_sec <= 1);
	CHECK("unknown clocks", FAILS(syscall(SYS_clock_gettime, 77, &tv), EINVAL));
	CHECK("a bad address", FAILS(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)16), EFAULT));
	struct timespec res;
	CHECK("resolution", clock_getres(CLOCK_MONOTONIC, &res) == 0 && res.tv_sec == 0 && res.tv_nsec == 1);
	struct tms tms;
	CHECK("times", times(&tms) > 0 && tms.tms_utime >= 0 && tms.tms_cutime == 0);
}

static void *burn(void *arg)
{
	(void)arg;
	for (volatile int i = 0; i < 30000000; i++)
		;
	return NULL;
}

static void test_cpu_time(void)
{
	struct timespec brief = { 0, 50000000 };
	int64_t start = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	nanosleep(&brief, NULL);
	CHECK("sleep costs no CPU time", read_ns(CLOCK_PROCESS_CPUTIME_ID) - start < 25000000);
	int64_t process = read_ns(CLOCK_PROCESS_CPUTIME_ID), thread = read_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_t t;
	clockid_t own;
	pthread_create(&t, NULL, burn, NULL);
	CHECK("a thread has a clock", pthread_getcpuclockid(t, &own) == 0);
	pthread_join(t, NULL);
	int64_t spent = read_ns(CLOCK_PROCESS_CPUTIME_ID) - process;
	CHECK("work costs CPU time", spent > 5000000);
	CHECK("the other thread's", read_ns(CLOCK_THREAD_CPUTIME_ID) - thread < spent / 2 + 5000000);
	struct timespec ts;
	CHECK("the clock of an ended thread is gone", FAILS(clock_gettime(own, &ts), EINVAL));
	CHECK("that of the process",
	      clock_getcpuclockid(getpid(), &own) == 0 && clock_gettime(own, &ts) == 0);
}

static void test_sleep(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	static const char *const names[] = { "sleep by CLOCK_REALTIME", "sleep by CLOCK_MONOTONIC",
					     "sleep by CLOCK_BOOTTIME" };
	for (int i = 0; i < 3; i++) {
		struct timespec brief = { 0, 20000000 }, at;
		int64_t start = read_ns(clocks[i]);
		int r = clock_nanosleep(clocks[i], 0, &brief, NULL);
		int64_t end = read_ns(clocks[i]), until = end + 20000000;
		at = (struct timespec){ until / 1000000000, until % 1000000000 };
		r |= clock_nanosleep(clocks[i], TIMER_ABSTIME, &at, NULL);
		CHECK(names[i], r == 0 && end - start >= 20000000 && read_ns(clocks[i]) >= until);
	}
	struct timespec past = { 1, 0 }, bad = { 0, -1 };
	CHECK("a time gone by", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL) == 0);
	CHECK("a bad time", clock_nanosleep(CLOCK_REALTIME, 0, &bad, NULL) == EINVAL);
	CHECK("a clock that cannot wait", clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &past, NULL) == EOPNOTSUPP);
}

int main(void)
{
	test_reading();
	test_cpu_time();
	test_sleep();
	return check_result();
}
