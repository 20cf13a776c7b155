/* time/clocks.c: the guest's clocks by number, time values from the guest, timers on any clock. */
#ifndef LIBOS_CLOCKS_H
#define LIBOS_CLOCKS_H

#include "thread/thread.h"

#define NS_PER_S 1000000000ull
#define NS_PER_US 1000ull
#define US_PER_S 1000000ull

#ifndef CLOCK_REALTIME
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#endif
#ifndef TIMER_ABSTIME
#define TIMER_ABSTIME 1
#endif

/* The present time of a clock, clock_gettime(2), CPU-time clocks of threads included; 0 or -EINVAL. */
int clock_read(int clock, u64 *ns);
/*
 * The clock that a timer or sleep on clock goes by, 0 or -errno: CLOCK_THREAD_CPUTIME_ID becomes the
 * current thread's own clock, coarse and raw ones are refused (-EOPNOTSUPP).
 */
int clock_for_timer(int clock, int *out);

/* CPU time. It is the time on the UC's one virtual CPU, whatever the host took of it included. */
u64 thread_cpu_ns(const struct thread *t);
u64 process_cpu_ns(void);
/* exit.c: what t used stays with the process. */
void cpu_time_inherit(const struct thread *t);

/* struct timespec of the guest, as nanoseconds, saturating; 0, -EFAULT or -EINVAL. */
int timespec_from_user(u64 *ns, u64 user);
int timespec_to_user(u64 user, u64 ns);

/*
 * Waits as sched_block does until the clock, CLOCK_REALTIME or another, reaches until. May return 0
 * early, at a jump of CLOCK_REALTIME too: callers loop.
 */
int clock_block(int clock, u64 until, bool interruptible);

/*
 * A timer that goes off at a time of any clock, once or every interval. Timers on CPU-time clocks
 * go off no sooner than their CPU time is used, and at most a moment later.
 */
struct clock_timer {
	struct ktimer timer;
	struct list_node node; /* of those on CLOCK_REALTIME, when armed */
	int clock;
	u64 expires;  /* time of the clock; 0: not armed */
	u64 interval; /* ns, or 0 */
	void (*expired)(struct clock_timer *t); /* not armed any more, expires is kept; may arm it again */
};

void clock_timer_init(struct clock_timer *t, int clock, void (*expired)(struct clock_timer *t));
/* Arms it for expires, or disarms it if that is 0. */
void clock_timer_set(struct clock_timer *t, u64 expires, u64 interval);
void clock_timer_cancel(struct clock_timer *t);
/* Lets an armed timer run on without calling expired: only clock_timer_left tells of it. */
void clock_timer_silence(struct clock_timer *t);
/* Nanoseconds to the next expiry, at least 1 if it is armed; 0 if it is not. */
u64 clock_timer_left(const struct clock_timer *t);
/*
 * Arms a periodic timer for its first period that is not over; returns how many were, the expired one
 * excluded.
 */
u64 clock_timer_forward(struct clock_timer *t);

/*
 * After a deploy CLOCK_REALTIME may have jumped against CLOCK_MONOTONIC. clocks_redeploy may be called
 * whatever the captured library OS was doing; clocks_settle, called by the scheduler before it
 * looks at timers, then sets the timers and sleepers on CLOCK_REALTIME right.
 */
void clocks_redeploy(void);
void clocks_settle(void);

#endif
