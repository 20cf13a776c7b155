/* Waiting for a time of any clock: struct clock_timer, clock_block. */
#include <asm/errno.h>

#include "clock.h"
#include "clocks.h"

/* How often CPU time is looked at: while all threads sleep it does not move, yet the looking costs. */
#define CPU_TICK_NS 4000000ull

static struct list_node realtime_timers = { &realtime_timers, &realtime_timers };
static struct list_node realtime_sleepers = { &realtime_sleepers, &realtime_sleepers };

static bool redeployed; /* and not yet settled */

struct sleeper {
	struct list_node node;
	struct thread *thread;
};

static bool is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI;
}

/*
 * The earliest CLOCK_MONOTONIC at which clock can reach until. There is one virtual CPU, so CPU time
 * never goes faster than the wall clock. A clock of a thread that ended never gets there.
 */
static u64 monotonic_at(int clock, u64 until)
{
	u64 now;

	if (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
		return until;
	if (clock_read(clock, &now))
		return DEADLINE_NONE;
	u64 left = until > now ? until - now : 0;
	return deadline_after(is_realtime(clock) ? left : MAX(left, CPU_TICK_NS));
}

int clock_block(int clock, u64 until, bool interruptible)
{
	struct sleeper s = { .thread = current };

	list_init(&s.node);
	if (is_realtime(clock))
		list_add_tail(&s.node, &realtime_sleepers);
	int r = sched_block(monotonic_at(clock, until), interruptible);
	list_del(&s.node);
	return r;
}

static void arm(struct clock_timer *t)
{
	list_del(&t->node);
	if (is_realtime(t->clock))
		list_add_tail(&t->node, &realtime_timers);
	ktimer_set(&t->timer, monotonic_at(t->clock, t->expires));
}

static void due(struct ktimer *k)
{
	struct clock_timer *t = container_of(k, struct clock_timer, timer);
	u64 now;

	if (clock_read(t->clock, &now))
		return;
	if (now < t->expires) { /* CPU time that was not all used, or CLOCK_REALTIME went back */
		arm(t);
		return;
	}
	list_del(&t->node);
	t->expired(t);
}

void clock_timer_init(struct clock_timer *t, int clock, void (*expired)(struct clock_timer *t))
{
	ktimer_init(&t->timer, due);
	list_init(&t->node);
	t->clock = clock;
	t->expires = t->interval = 0;
	t->expired = expired;
}

void clock_timer_silence(struct clock_timer *t)
{
	ktimer_cancel(&t->timer);
	list_del(&t->node);
}

void clock_timer_cancel(struct clock_timer *t)
{
	clock_timer_silence(t);
	t->expires = t->interval = 0;
}

void clock_timer_set(struct clock_timer *t, u64 expires, u64 interval)
{
	clock_timer_cancel(t);
	t->expires = expires;
	t->interval = interval;
	if (expires)
		arm(t);
}

u64 clock_timer_left(const struct clock_timer *t)
{
	u64 now;

	if (!t->expires || clock_read(t->clock, &now))
		return 0;
	if (t->expires > now)
		return t->expires - now;
	if (!t->interval)
		return 1;
	return t->interval - (now - t->expires) % t->interval;
}

u64 clock_timer_forward(struct clock_timer *t)
{
	u64 now, periods = 0;

	if (clock_read(t->clock, &now))
		return 0;
	u64 next = t->expires + t->interval;
	if (next <= now) {
		periods = (now - next) / t->interval + 1;
		next += periods * t->interval;
	}
	clock_timer_set(t, next, t->interval);
	return periods;
}

void clocks_redeploy(void)
{
	redeployed = true;
	need_resched = true;
}

void clocks_settle(void)
{
	if (likely(!redeployed))
		return;
	redeployed = false;
	list_for_each(n, &realtime_timers) {
		struct clock_timer *t = list_entry(n, struct clock_timer, node);
		ktimer_set(&t->timer, monotonic_at(t->clock, t->expires));
	}
	list_for_each(n, &realtime_sleepers)
		sched_wake(list_entry(n, struct sleeper, node)->thread);
}
