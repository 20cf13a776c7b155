/* Waiting for signals: pause, rt_sigsuspend, rt_sigtimedwait. */
#include <asm/errno.h>
#include <linux/time_types.h>

#include "mm/mm.h"
#include "sigstate.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/clocks.h"

static long wait_for_handler(void)
{
	while (!signal_pending(current))
		sched_block(DEADLINE_NONE, true);
	return -ERESTARTNOHAND;
}

/* pause(2) */
long sys_pause(const u64 a[6])
{
	(void)a;
	return wait_for_handler();
}

/* sigsuspend(2). a: mask, its size. */
long sys_rt_sigsuspend(const u64 a[6])
{
	sigmask_t mask;
	int r = signal_copy_mask(&mask, a[0], a[1]);

	if (r)
		return r;
	signal_set_temporary_mask(mask);
	return wait_for_handler();
}

/* sigtimedwait(2). a: set, siginfo or 0, timeout or 0, size of the set. */
long sys_rt_sigtimedwait(const u64 a[6])
{
	struct ksiginfo info;
	sigmask_t set;
	u64 deadline = DEADLINE_NONE, timeout;
	int signo, r = signal_copy_mask(&set, a[0], a[3]);

	if (r)
		return r;
	if (a[2]) {
		r = timespec_from_user(&timeout, a[2]);
		if (r)
			return r;
		deadline = deadline_after(timeout);
	}
	while (!(signo = signal_dequeue(set, &info))) {
		if (clock_monotonic_ns() >= deadline)
			return -EAGAIN;
		current->sig_wait = set;
		bool interrupted = signal_pending(current) || sched_block(deadline, true) == -EINTR;
		current->sig_wait = 0;
		if (interrupted && signal_pending(current) && !(signal_pending_set() & set))
			return -EINTR;
	}
	return a[1] && copy_to_user(a[1], &info, sizeof(info)) ? -EFAULT : signo;
}
