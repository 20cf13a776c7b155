/* Interval timers of the process: setitimer(2), getitimer(2), alarm(2). */
#include <asm/errno.h>
#include <linux/time_types.h>

#include "clocks.h"
#include "mm/mm.h"
#include "signal/sigstate.h"
#include "sys/calls.h"

/*
 * Time in the library OS counts as the guest's own, so ITIMER_VIRTUAL and ITIMER_PROF both go by the
 * process's CPU time.
 */
struct itimer {
	struct clock_timer timer;
	int clock, signo;
};

static void itimer_expired(struct clock_timer *c);

static struct itimer itimers[] = {
	{ .clock = CLOCK_MONOTONIC, .signo = SIGALRM },           /* ITIMER_REAL */
	{ .clock = CLOCK_PROCESS_CPUTIME_ID, .signo = SIGVTALRM }, /* ITIMER_VIRTUAL */
	{ .clock = CLOCK_PROCESS_CPUTIME_ID, .signo = SIGPROF },   /* ITIMER_PROF */
};
#define ITIMER_REAL 0

static struct itimer *itimer_of(u64 which)
{
	if (which >= ARRAY_SIZE(itimers))
		return NULL;
	struct itimer *t = &itimers[which];
	if (!t->timer.expired)
		clock_timer_init(&t->timer, t->clock, itimer_expired);
	return t;
}

static void itimer_expired(struct clock_timer *c)
{
	struct itimer *t = container_of(c, struct itimer, timer);

	if (c->interval)
		clock_timer_forward(c);
	else
		clock_timer_cancel(c);
	signal_send_process(t->signo, NULL);
}

static void itimer_set(struct itimer *t, u64 value, u64 interval)
{
	u64 now;

	if (!value || clock_read(t->clock, &now))
		clock_timer_cancel(&t->timer);
	else
		clock_timer_set(&t->timer, now + value, interval);
}

static int timeval_from_user(u64 *ns, u64 user)
{
	struct __kernel_old_timeval tv;

	if (copy_from_user(&tv, user, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_sec < 0 || (u64)tv.tv_usec >= US_PER_S)
		return -EINVAL;
	u64 seconds = MIN((u64)tv.tv_sec, INT64_MAX / NS_PER_S / 2);
	*ns = seconds * NS_PER_S + (u64)tv.tv_usec * NS_PER_US;
	return 0;
}

/* Microseconds, rounded up: a timer that is set is never reported as 0. */
static struct __kernel_old_timeval timeval_of(u64 ns)
{
	u64 us = (ns + NS_PER_US - 1) / NS_PER_US;

	return (struct __kernel_old_timeval){ .tv_sec = (s64)(us / US_PER_S),
					      .tv_usec = (s64)(us % US_PER_S) };
}

static int put_setting(const struct itimer *t, u64 user)
{
	struct __kernel_old_itimerval v = {
		.it_interval = timeval_of(t->timer.interval),
		.it_value = timeval_of(clock_timer_left(&t->timer)),
	};

	return copy_to_user(user, &v, sizeof(v)) ? -EFAULT : 0;
}

/* a: which, setting. */
long sys_getitimer(const u64 a[6])
{
	struct itimer *t = itimer_of(a[0]);

	return t ? put_setting(t, a[1]) : -EINVAL;
}

/* a: which, new setting or 0 (then disarmed), old setting or 0. */
long sys_setitimer(const u64 a[6])
{
	u64 value = 0, interval = 0;

	if (a[1]) {
		int r = timeval_from_user(&interval,
					  a[1] + offsetof(struct __kernel_old_itimerval, it_interval));
		if (!r)
			r = timeval_from_user(&value,
					      a[1] + offsetof(struct __kernel_old_itimerval, it_value));
		if (r)
			return r;
	}
	struct itimer *t = itimer_of(a[0]);
	if (!t)
		return -EINVAL;
	if (a[2] && put_setting(t, a[2]))
		return -EFAULT;
	itimer_set(t, value, interval);
	return 0;
}

/* a: seconds, 0 to cancel. Returns what was left, rounded to seconds, at least 1 if it was set. */
long sys_alarm(const u64 a[6])
{
	struct itimer *t = itimer_of(ITIMER_REAL);
	u64 left = clock_timer_left(&t->timer);

	itimer_set(t, (u64)(u32)a[0] * NS_PER_S, 0);
	u64 seconds = (left + NS_PER_S / 2) / NS_PER_S;
	return left && !seconds ? 1 : (long)seconds;
}
