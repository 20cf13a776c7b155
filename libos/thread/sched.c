/*
 * The scheduler of green threads: one run queue, first come first served. A thread runs
 * until it blocks; the host's alarm makes it give way when others wait or a timer is due.
 */
#include <asm/errno.h>

#include "arch/arch.h"
#include "host/host.h"
#include "host/link.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "sched.h"
#include "signal/signal.h"
#include "time/clock.h"
#include "time/clocks.h"

#define SLICE_NS 5000000ull   /* a turn while others are runnable */
#define LONE_SLICE_NS 20000000ull /* a turn while no other is runnable: the link is looked at then */
#define MIN_ALARM_NS 50000ull
#define KERNEL_RETRY_US 1000

struct thread *current;
struct list_node threads = { &threads, &threads };
int thread_count;
bool need_resched;

static struct list_node run_queue = { &run_queue, &run_queue };
static int run_count;
static u64 alarm_at_ns; /* when the host's alarm rings; 0: not armed */
static u64 switched_at_ns;
static bool waiting_for_host; /* nothing runs: an alarm has nothing to preempt */
static bool waiting_for_timer; /* nothing runs, and the wait has an end */
static bool wait_is_stale; /* the wait began before the last deploy, and so counts from the capture */
static u64 parked_at_ns; /* 0: not since the deploy */
static bool soon_again; /* the last wait for a message was shorter than a turn */
static struct thread *reapable; /* dead, its stack still in use when it was left */

static void deadline_passed(struct ktimer *k)
{
	struct thread *t = container_of(k, struct thread, deadline);

	t->timed_out = true;
	sched_wake(t);
}

static void thread_free(struct thread *t)
{
	kfree(t->kstack);
	kfree(t);
}

struct thread *thread_create(const struct trapframe *tf, u64 fs_base)
{
	struct thread *t = kzalloc(sizeof *t);

	if (!t)
		return NULL;
	t->kstack = kmalloc(KSTACK_BYTES + 64);
	if (!t->kstack) {
		kfree(t);
		return NULL;
	}
	u64 top = ((u64)t->kstack + KSTACK_BYTES + 64) & ~63ull;
	t->xstate = (void *)((top - arch_xstate_bytes) & ~63ull);
	arch_xstate_reset(t);
	t->tf = (struct trapframe *)((u64)t->xstate - 8 - sizeof *t->tf);
	*t->tf = *tf;
	u64 *frame = (u64 *)t->tf - 7; /* six registers and the return address of arch_switch */
	memset(frame, 0, 6 * sizeof *frame);
	frame[6] = (u64)arch_thread_start;
	t->ksp = (u64)frame;
	t->fs_base = fs_base;
	t->state = THREAD_BLOCKED;
	ktimer_init(&t->deadline, deadline_passed);
	list_init(&t->run);
	list_init(&t->sig_pending.queue);
	list_add_tail(&t->all, &threads);
	thread_count++;
	return t;
}

struct thread *thread_find(int tid)
{
	list_for_each(n, &threads) {
		struct thread *t = list_entry(n, struct thread, all);
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

int sched_runnable(void)
{
	return run_count;
}

static void enqueue(struct thread *t)
{
	list_add_tail(&t->run, &run_queue);
	run_count++;
}

void sched_wake(struct thread *t)
{
	if (t->state == THREAD_BLOCKED) {
		t->state = THREAD_RUNNABLE;
		ktimer_cancel(&t->deadline);
		enqueue(t);
	} else if (t == current) {
		t->wake_pending = true;
	}
}

/* Waits until some thread is runnable and takes it from the queue. */
static struct thread *pick_next(void)
{
	while (clocks_settle(), list_empty(&run_queue)) {
		u64 next = ktimer_next();
		waiting_for_timer = next != DEADLINE_NONE;
		u64 now = waiting_for_timer ? clock_monotonic_ns() : 0;
		if (next > now) {
			waiting_for_host = true;
			link_poll(waiting_for_timer ? (s64)(next - now) : -1);
			waiting_for_host = false;
		}
		waiting_for_timer = wait_is_stale = false;
		if (next != DEADLINE_NONE)
			ktimer_run(clock_monotonic_ns());
	}
	struct thread *t = list_entry(run_queue.next, struct thread, run);
	list_del(&t->run);
	run_count--;
	return t;
}

static void account(struct thread *t)
{
	u64 now = clock_monotonic_ns();

	t->cpu_ns += now - switched_at_ns;
	switched_at_ns = now;
}

u64 sched_slice_ns(void)
{
	return clock_monotonic_ns() - switched_at_ns;
}

static void become(struct thread *t)
{
	current = t;
	arch_trapframe_end = (u64)(t->tf + 1);
}

static void schedule(void)
{
	struct thread *prev = current;

	account(prev);
	struct thread *next = pick_next();
	switched_at_ns = clock_monotonic_ns();
	if (next == prev)
		return;
	if (prev->state != THREAD_DEAD) {
		arch_xstate_save(prev);
		prev->fs_base = arch_fs_base();
		prev->gs_base = arch_gs_base();
	}
	become(next);
	arch_set_fs_base(next->fs_base);
	arch_set_gs_base(next->gs_base);
	arch_switch(&prev->ksp, next->ksp);
	if (reapable && reapable != current) {
		thread_free(reapable);
		reapable = NULL;
	}
}

int sched_block(u64 deadline_ns, bool interruptible)
{
	struct thread *t = current;

	if (t->wake_pending) {
		t->wake_pending = false;
		return 0;
	}
	if (interruptible && signal_pending(t))
		return -EINTR;
	t->timed_out = false;
	t->state = THREAD_BLOCKED;
	ktimer_set(&t->deadline, deadline_ns);
	schedule();
	t->wake_pending = false;
	if (t->timed_out)
		return -ETIMEDOUT;
	return interruptible && signal_pending(t) ? -EINTR : 0;
}

void sched_yield_now(void)
{
	need_resched = false;
	if (!run_count)
		return;
	enqueue(current);
	schedule();
}

void sched_run_others(u64 limit_ns)
{
	if (!run_count)
		return;
	for (u64 end = clock_monotonic_ns() + limit_ns; run_count && clock_monotonic_ns() < end;)
		sched_yield_now();
}

void thread_exit(void)
{
	struct thread *t = current;

	if (reapable) {
		thread_free(reapable);
		reapable = NULL;
	}
	t->state = THREAD_DEAD;
	list_del(&t->all);
	thread_count--;
	reapable = t;
	schedule();
	panic("a dead thread ran");
}

void sched_tick(void)
{
	alarm_at_ns = 0;
	clocks_settle();
	ktimer_run(clock_monotonic_ns());
	link_poll(0);
	sched_yield_now();
}

void sched_alarm_in_kernel(void)
{
	need_resched = true;
	if (waiting_for_host && !wait_is_stale) {
		alarm_at_ns = 0;
		return;
	}
	/* The kernel may be past its last look at need_resched, or not at its wait yet: ring again. */
	host_set_alarm(KERNEL_RETRY_US);
}

void sched_arm_alarm(void)
{
	u64 next = ktimer_next();

	if (alarm_at_ns && !run_count && next == DEADLINE_NONE)
		return;
	u64 now = clock_monotonic_ns();
	u64 at = MIN(now + (run_count ? SLICE_NS : LONE_SLICE_NS), MAX(next, now + MIN_ALARM_NS));
	/* An alarm that rings earlier than needed does no harm. */
	if (alarm_at_ns && alarm_at_ns <= at)
		return;
	alarm_at_ns = at;
	host_set_alarm((at - now) / 1000);
}

void sched_park(void)
{
	account(current);
	waiting_for_host = true;
	parked_at_ns = switched_at_ns;
	/* One that has a message all the while sets no alarm for each: that is two of its four host calls. */
	if (!alarm_at_ns || soon_again)
		return;
	alarm_at_ns = 0;
	host_set_alarm(0);
}

void sched_unpark(void)
{
	u64 now = clock_monotonic_ns();

	waiting_for_host = false;
	soon_again = parked_at_ns && now - parked_at_ns < LONE_SLICE_NS;
	switched_at_ns = now;
}

void sched_redeploy(u64 captured_ns)
{
	alarm_at_ns = parked_at_ns = 0;
	/* CPU time does not go back either: the turn that the capture broke off counts. */
	if (!waiting_for_host && captured_ns > switched_at_ns)
		current->cpu_ns += captured_ns - switched_at_ns;
	switched_at_ns = clock_monotonic_ns();
	/* Time has passed: the wait has to be broken off. */
	wait_is_stale = waiting_for_timer;
	/* Guest code that was captured running must be preempted; a UC at rest arms it when it goes on. */
	if (wait_is_stale)
		host_set_alarm(MIN_ALARM_NS / 1000);
	else if (!waiting_for_host)
		sched_arm_alarm();
}

void sched_start(struct thread *t, void (*fn)(void *), void *arg)
{
	t->state = THREAD_RUNNABLE;
	switched_at_ns = clock_monotonic_ns();
	become(t);
	arch_set_fs_base(t->fs_base);
	arch_call_on((u64)t->tf, fn, arg);
}
