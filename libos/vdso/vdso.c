/*
 * The guest's vDSO, linux-vdso.so.1: calls the host's own vDSO and makes of its clocks the guest's, as
 * time/clock.c does for system calls. What it cannot answer becomes a system call.
 */
#include <asm/unistd_64.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "vdso.h"

#define NS_PER_S 1000000000ll
#define EXPORT __attribute__((visibility("default")))

typedef int (*clock_gettime_fn)(int clock, struct __kernel_timespec *ts);

extern const char vdso_start[] __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
int __vdso_clock_getres(int clock, struct __kernel_timespec *res);
int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
long __vdso_time(long *t);
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

static const struct vdso_data *data(void)
{
	return *(const struct vdso_data *const *)(vdso_start + VDSO_DATA_POINTER);
}

static long syscall2(long nr, const void *a, const void *b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static void add_ns(struct __kernel_timespec *ts, s64 ns)
{
	s64 sum = ts->tv_nsec + ns % NS_PER_S;

	ts->tv_sec += ns / NS_PER_S;
	if (sum < 0) {
		sum += NS_PER_S;
		ts->tv_sec--;
	} else if (sum >= NS_PER_S) {
		sum -= NS_PER_S;
		ts->tv_sec++;
	}
	ts->tv_nsec = sum;
}

/*
 * The host clock that the guest's is made of, or -1. The library OS tells the variants of a clock apart no
 * more.
 */
static int host_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return CLOCK_REALTIME;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return CLOCK_MONOTONIC;
	default:
		return -1;
	}
}

/* False: a system call is needed. */
static bool read_clock(int clock, struct __kernel_timespec *ts)
{
	const struct vdso_data *d = data();
	clock_gettime_fn host = (clock_gettime_fn)d->host_clock_gettime;
	int source = host_clock(clock);
	s64 offset_ns = source == CLOCK_MONOTONIC ? d->monotonic_offset_ns : d->realtime_offset_ns;

	if (!host || source < 0 || host(source, ts))
		return false;
	if (offset_ns)
		add_ns(ts, offset_ns);
	return true;
}

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
	if (read_clock(clock, ts))
		return 0;
	return (int)syscall2(__NR_clock_gettime, (void *)(s64)clock, ts);
}

EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	struct __kernel_timespec ts;

	if (!tv || !read_clock(CLOCK_REALTIME, &ts))
		return (int)syscall2(__NR_gettimeofday, tv, tz);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	if (tz)
		*tz = (struct timezone){ 0 };
	return 0;
}

EXPORT long __vdso_time(long *t)
{
	struct __kernel_timespec ts;

	if (!read_clock(CLOCK_REALTIME, &ts))
		return syscall2(__NR_time, t, NULL);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *res)
{
	if (host_clock(clock) < 0 || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return (int)syscall2(__NR_clock_getres, (void *)(s64)clock, res);
	if (res)
		*res = (struct __kernel_timespec){ .tv_nsec = 1 };
	return 0;
}

/* A UC has one processor. */
EXPORT long __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}
