/* Times as system calls take and give them, and deadlines. */
#include <asm/errno.h>
#include <linux/time_types.h>

#include "clock.h"
#include "mm/mm.h"
#include "thread/thread.h"
#include "timespec.h"

int timespec_ns(s64 sec, s64 nsec, u64 *ns)
{
	if (sec < 0 || nsec < 0 || nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)sec >= (u64)INT64_MAX / NSEC_PER_SEC)
		*ns = INT64_MAX;
	else
		*ns = (u64)sec * NSEC_PER_SEC + (u64)nsec;
	return 0;
}

int timespec_deadline(u64 addr, u64 *deadline_ns)
{
	struct __kernel_timespec ts;
	u64 ns;

	*deadline_ns = DEADLINE_NONE;
	if (!addr)
		return 0;
	if (copy_from_user(&ts, addr, sizeof ts))
		return -EFAULT;
	if (timespec_ns(ts.tv_sec, ts.tv_nsec, &ns))
		return -EINVAL;
	*deadline_ns = ns ? deadline_after(ns) : 0;
	return 0;
}

void timespec_put_left(u64 addr, u64 deadline_ns)
{
	u64 now = clock_monotonic_ns();
	u64 left = deadline_ns > now ? deadline_ns - now : 0;
	struct __kernel_timespec ts = { .tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC };

	/* As Linux does, a guest that gave read-only memory just does not learn it. */
	if (addr)
		(void)!copy_to_user(addr, &ts, sizeof ts);
}
