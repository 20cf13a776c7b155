/* Telling the time and sleeping: clock_gettime(2) and its family, nanosleep(2). */
#include <asm/errno.h>
#include <linux/time_types.h>
#include <linux/times.h>

#include "clock.h"
#include "clocks.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "sys/calls.h"

#define COARSE_TICK_NS 4000000ull /* resolution of the coarse clocks, as with HZ=250 */
#define CLOCK_TICKS_PER_S 100ull  /* sysconf(_SC_CLK_TCK) */

/* a: clock, struct timespec. */
long sys_clock_gettime(const u64 a[6])
{
	u64 now;
	int r = clock_read((int)a[0], &now);

	return r ? r : timespec_to_user(a[1], now);
}

/* a: clock, struct timespec or 0. */
long sys_clock_getres(const u64 a[6])
{
	int clock = (int)a[0];
	u64 now;
	int r = clock_read(clock, &now);

	if (r || !a[1])
		return r;
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	return timespec_to_user(a[1], coarse ? COARSE_TICK_NS : 1);
}

/* clock_settime(2), settimeofday(2), adjtimex(2), clock_adjtime(2): the time is the host's. */
long sys_clock_settime(const u64 a[6])
{
	u64 now;
	int r = clock_read((int)a[0], &now);

	return r ? r : -EPERM;
}

long sys_settimeofday(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_adjtimex(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_clock_adjtime(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

/* a: struct timeval or 0, struct timezone or 0. */
long sys_gettimeofday(const u64 a[6])
{
	u64 now = clock_realtime_ns();
	struct __kernel_old_timeval tv = { .tv_sec = (s64)(now / NS_PER_S),
					   .tv_usec = (s64)(now % NS_PER_S / NS_PER_US) };

	if (a[0] && copy_to_user(a[0], &tv, sizeof(tv)))
		return -EFAULT;
	return a[1] && put_user_u64(a[1], 0) ? -EFAULT : 0; /* UTC, no daylight saving */
}

/* a: where to put the seconds too, or 0. */
long sys_time(const u64 a[6])
{
	u64 seconds = clock_realtime_ns() / NS_PER_S;

	return a[0] && put_user_u64(a[0], seconds) ? -EFAULT : (long)seconds;
}

/* a: struct tms or 0. Returns ticks since some point in the past. */
long sys_times(const u64 a[6])
{
	struct tms t = { .tms_utime = (s64)(process_cpu_ns() / (NS_PER_S / CLOCK_TICKS_PER_S)) };

	if (a[0] && copy_to_user(a[0], &t, sizeof(t)))
		return -EFAULT;
	return (long)(clock_monotonic_ns() / (NS_PER_S / CLOCK_TICKS_PER_S));
}

/* Sleeps until the clock says until; -ERESTARTNOHAND when a signal is to be handled. */
static long sleep_until(int clock, u64 until)
{
	u64 now;

	while (!clock_read(clock, &now) && now < until) {
		if (clock_block(clock, until, true) == -EINTR && signal_pending(current))
			return -ERESTARTNOHAND;
	}
	return 0;
}

/* As sleep_until, for ns from now; when interrupted, tells the rest at guest address rest, if any. */
static long sleep_for(int clock, u64 ns, u64 rest)
{
	u64 now, until;
	int r = clock_read(clock, &now);

	if (r)
		return r;
	until = ns > INT64_MAX - now ? INT64_MAX : now + ns;
	long ret = sleep_until(clock, until);
	if (ret && rest && !clock_read(clock, &now) && timespec_to_user(rest, until > now ? until - now : 0))
		return -EFAULT;
	return ret;
}

/* a: time, remaining time or 0. */
long sys_nanosleep(const u64 a[6])
{
	u64 ns;
	int r = timespec_from_user(&ns, a[0]);

	return r ? r : sleep_for(CLOCK_MONOTONIC, ns, a[1]);
}

/* a: clock, flags, time, remaining time or 0. */
long sys_clock_nanosleep(const u64 a[6])
{
	u64 ns;
	int clock, r;

	if ((int)a[0] == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	r = clock_for_timer((int)a[0], &clock);
	if (!r)
		r = timespec_from_user(&ns, a[2]);
	if (r)
		return r;
	/* A relative sleep on CLOCK_REALTIME does not notice when that is set. */
	if (!(a[1] & TIMER_ABSTIME))
		return sleep_for(clock == CLOCK_REALTIME ? CLOCK_MONOTONIC : clock, ns, a[3]);
	return sleep_until(clock, ns);
}
