/*
 * POSIX timers: timer_create(2) and its family. A timer owns the one queue entry of its signal; while
 * that waits, a periodic timer stands still, and when it is taken the periods that went by are
 * counted as overruns. So a timer can neither flood the queue nor lose count.
 */
#include <asm/errno.h>
#include <linux/time_types.h>

#include "clock.h"
#include "clocks.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "posixtimer.h"
#include "process/ids.h"
#include "signal/sigstate.h"
#include "sys/calls.h"

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD_ID 4
#define TIMERS_MAX 1024u
#define OVERRUN_MAX INT32_MAX /* DELAYTIMER_MAX */
/* An ignored signal needs no more attention than this. */
#define IGNORED_PERIOD_NS 10000000ull

/* The kernel's struct sigevent: 64 bytes, of which it reads these. */
struct ksigevent {
	u64 value;
	s32 signo;
	s32 notify;
	s32 tid;
	u8 pad[44];
};
_Static_assert(sizeof(struct ksigevent) == 64, "sigevent_t is 64 bytes");

struct posix_timer {
	struct list_node node;
	int id;
	struct clock_timer clock;
	int notify;
	int tid; /* SIGEV_THREAD_ID: whom to signal; 0: the process */
	s32 overrun; /* of the signal that was taken last */
	u64 pending_overruns;
	struct sig_queued signal;
};

static struct list_node timers = { &timers, &timers };
static u32 timer_count;
static int next_id;

static struct ksiginfo *info_of(struct posix_timer *t)
{
	return (struct ksiginfo *)t->signal.info;
}

static struct posix_timer *timer_find(int id)
{
	list_for_each(n, &timers) {
		struct posix_timer *t = list_entry(n, struct posix_timer, node);
		if (t->id == id)
			return t;
	}
	return NULL;
}

/* Starts the next period of a timer whose signal nobody gets. */
static void skip_period(struct posix_timer *t)
{
	u64 now;

	if (!t->clock.interval)
		return;
	t->pending_overruns += 1 + clock_timer_forward(&t->clock);
	if (t->clock.interval < IGNORED_PERIOD_NS && !clock_read(t->clock.clock, &now))
		ktimer_set(&t->clock.timer, deadline_after(IGNORED_PERIOD_NS));
}

static void timer_expired(struct clock_timer *c)
{
	struct posix_timer *t = container_of(c, struct posix_timer, clock);
	struct thread *target = t->tid ? thread_find(t->tid) : NULL;

	if ((t->tid && !target) || !list_empty(&t->signal.node) || !sig_send_owned(target, &t->signal))
		skip_period(t);
}

bool posixtimer_taken(struct sig_queued *q)
{
	if (((struct ksiginfo *)q->info)->si_code != SI_TIMER)
		return false;
	list_for_each(n, &timers) {
		struct posix_timer *t = list_entry(n, struct posix_timer, node);
		if (&t->signal != q)
			continue;
		u64 periods = t->pending_overruns;
		t->pending_overruns = 0;
		if (t->clock.interval && t->clock.expires)
			periods += clock_timer_forward(&t->clock);
		t->overrun = (s32)MIN(periods, (u64)OVERRUN_MAX);
		info_of(t)->u.timer.overrun = t->overrun;
		return true;
	}
	return false;
}

static int check_event(const struct ksigevent *e)
{
	if (e->notify != SIGEV_NONE && (e->signo < 1 || e->signo > NSIG))
		return -EINVAL;
	switch (e->notify) {
	case SIGEV_NONE:
	case SIGEV_SIGNAL:
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		return thread_by_id(e->tid) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int unused_id(void)
{
	while (timer_find(next_id))
		next_id = (next_id + 1) & INT32_MAX;
	int id = next_id;
	next_id = (next_id + 1) & INT32_MAX;
	return id;
}

/* a: clock, struct sigevent or 0, address of the timer's id. */
long sys_timer_create(const u64 a[6])
{
	struct ksigevent e = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	int clock, r = clock_for_timer((int)a[0], &clock);

	if (r)
		return r;
	if (a[1] && copy_from_user(&e, a[1], sizeof(e)))
		return -EFAULT;
	r = check_event(&e);
	if (r)
		return r;
	struct posix_timer *t = timer_count < TIMERS_MAX ? kzalloc(sizeof(*t)) : NULL;
	if (!t)
		return -EAGAIN;
	t->id = unused_id();
	if (put_user_u32(a[2], (u32)t->id)) {
		kfree(t);
		return -EFAULT;
	}
	clock_timer_init(&t->clock, clock, timer_expired);
	t->notify = e.notify;
	t->tid = e.notify & SIGEV_THREAD_ID ? thread_by_id(e.tid)->tid : 0;
	list_init(&t->signal.node);
	t->signal.signo = e.signo;
	*info_of(t) = (struct ksiginfo){
		.si_signo = e.signo,
		.si_code = SI_TIMER,
		.u.timer = { .timerid = t->id, .value = a[1] ? e.value : (u64)t->id },
	};
	list_add_tail(&t->node, &timers);
	timer_count++;
	return 0;
}

/* A timer is at rest between its expiry and the taking of its signal; yet its time goes on. */
static int put_setting(const struct posix_timer *t, u64 user)
{
	u64 left = clock_timer_left(&t->clock);
	bool spent = !t->clock.interval && left == 1 && list_empty(&t->clock.timer.node);

	if (spent)
		left = 0;
	if (timespec_to_user(user + offsetof(struct __kernel_itimerspec, it_interval), t->clock.interval) ||
	    timespec_to_user(user + offsetof(struct __kernel_itimerspec, it_value), left))
		return -EFAULT;
	return 0;
}

static void revoke_signal(struct posix_timer *t)
{
	sig_revoke_owned(t->tid ? thread_find(t->tid) : NULL, &t->signal);
}

/* a: id, flags, new setting, old setting or 0 (struct itimerspec). */
long sys_timer_settime(const u64 a[6])
{
	struct posix_timer *t = timer_find((int)a[0]);
	u64 value, interval, now;

	if (!a[2])
		return -EINVAL;
	int r = timespec_from_user(&interval, a[2] + offsetof(struct __kernel_itimerspec, it_interval));
	if (!r)
		r = timespec_from_user(&value, a[2] + offsetof(struct __kernel_itimerspec, it_value));
	if (r)
		return r;
	if (!t)
		return -EINVAL;
	if (a[3] && put_setting(t, a[3]))
		return -EFAULT;
	if (clock_read(t->clock.clock, &now))
		return -EINVAL;
	revoke_signal(t);
	t->pending_overruns = 0;
	t->overrun = 0;
	if (value && !(a[1] & TIMER_ABSTIME))
		value = value > INT64_MAX - now ? INT64_MAX : now + value;
	clock_timer_set(&t->clock, value, value ? interval : 0);
	if (t->notify == SIGEV_NONE)
		clock_timer_silence(&t->clock);
	return 0;
}

/* a: id, setting. */
long sys_timer_gettime(const u64 a[6])
{
	struct posix_timer *t = timer_find((int)a[0]);

	return t ? put_setting(t, a[1]) : -EINVAL;
}

long sys_timer_getoverrun(const u64 a[6])
{
	struct posix_timer *t = timer_find((int)a[0]);

	return t ? t->overrun : -EINVAL;
}

long sys_timer_delete(const u64 a[6])
{
	struct posix_timer *t = timer_find((int)a[0]);

	if (!t)
		return -EINVAL;
	clock_timer_cancel(&t->clock);
	revoke_signal(t);
	list_del(&t->node);
	timer_count--;
	kfree(t);
	return 0;
}
