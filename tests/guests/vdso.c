/* Time without a system call: the vDSO's symbols, and that they agree with the kernel. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "require.h"

#define VERSION "LINUX_2.6"

static int (*vdso_clock_gettime)(clockid_t, struct timespec *);
static int (*vdso_clock_getres)(clockid_t, struct timespec *);
static int (*vdso_gettimeofday)(struct timeval *, struct timezone *);
static time_t (*vdso_time)(time_t *);
static long (*vdso_getcpu)(unsigned *, unsigned *, void *);

static void symbols(void)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);

	REQUIRE(vdso);
	*(void **)&vdso_clock_gettime = dlvsym(vdso, "__vdso_clock_gettime", VERSION);
	*(void **)&vdso_clock_getres = dlvsym(vdso, "__vdso_clock_getres", VERSION);
	*(void **)&vdso_gettimeofday = dlvsym(vdso, "__vdso_gettimeofday", VERSION);
	*(void **)&vdso_time = dlvsym(vdso, "__vdso_time", VERSION);
	*(void **)&vdso_getcpu = dlvsym(vdso, "__vdso_getcpu", VERSION);
	REQUIRE(vdso_clock_gettime && vdso_clock_getres && vdso_gettimeofday && vdso_time && vdso_getcpu);
}

static int64_t ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* The vDSO's time lies between two readings of the kernel's. */
static void agrees(clockid_t clock)
{
	struct timespec before, between, after;

	for (int i = 0; i < 100; i++) {
		REQUIRE(!syscall(SYS_clock_gettime, clock, &before));
		REQUIRE(!vdso_clock_gettime(clock, &between));
		REQUIRE(!syscall(SYS_clock_gettime, clock, &after));
		REQUIRE(ns(&before) <= ns(&between) && ns(&between) <= ns(&after));
		REQUIRE(between.tv_nsec >= 0 && between.tv_nsec < 1000000000);
	}
}

static void never_backwards(void)
{
	struct timespec last = { 0 }, now;

	for (int i = 0; i < 200000; i++) {
		REQUIRE(!vdso_clock_gettime(CLOCK_MONOTONIC, &now) && ns(&now) >= ns(&last));
		last = now;
	}
}

static void other_calls(void)
{
	struct timespec t, resolution;
	struct timeval tv;
	unsigned cpu = ~0u, node = ~0u;
	time_t seconds;

	REQUIRE(!vdso_clock_gettime(CLOCK_REALTIME, &t) && !vdso_gettimeofday(&tv, NULL));
	REQUIRE((int64_t)tv.tv_sec * 1000000 + tv.tv_usec >= ns(&t) / 1000 && tv.tv_usec < 1000000);
	REQUIRE(vdso_time(&seconds) == seconds && seconds >= t.tv_sec - 1 && seconds <= t.tv_sec + 1);
	REQUIRE(!vdso_clock_getres(CLOCK_MONOTONIC, &resolution) && resolution.tv_sec == 0);
	REQUIRE(!vdso_getcpu(&cpu, &node, NULL) && cpu < 4096 && node < 1024);
}

/* Clocks that need the kernel, and one that does not exist. */
static void fallback(void)
{
	struct timespec t;

	REQUIRE(!vdso_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) && ns(&t) > 0);
	REQUIRE(!vdso_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) && ns(&t) > 0);
	REQUIRE(vdso_clock_gettime(12345, &t) == -EINVAL);
}

int main(void)
{
	GROUP("symbols", symbols());
	GROUP("CLOCK_MONOTONIC", agrees(CLOCK_MONOTONIC));
	GROUP("CLOCK_REALTIME", agrees(CLOCK_REALTIME));
	GROUP("CLOCK_BOOTTIME", agrees(CLOCK_BOOTTIME));
	GROUP("the clock never goes back", never_backwards());
	GROUP("other calls", other_calls());
	GROUP("calls that need the kernel", fallback());
	return check_result();
}
