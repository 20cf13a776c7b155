/* Clocks by number, CPU time, and time values of the guest. */
#include <asm/errno.h>
#include <linux/time_types.h>

#include "clock.h"
#include "clocks.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "thread/sched.h"

/* CPU-time clocks of a given process or thread: ~id in the upper bits, then these. */
#define CPUCLOCK_THREAD 4
#define CPUCLOCK_KIND 3
#define CPUCLOCK_NOT_CPU 3 /* a clock of a descriptor */

/* TAI is ahead of UTC by the leap seconds that the host's kernel knows; stock hosts do not set them. */
#define TAI_OFFSET_NS 0ull

static u64 ended_cpu_ns; /* of threads that are gone */

u64 thread_cpu_ns(const struct thread *t)
{
	bool running = t == current && t->state == THREAD_RUNNABLE;

	return t->cpu_ns + (running ? sched_slice_ns() : 0);
}

u64 process_cpu_ns(void)
{
	u64 sum = ended_cpu_ns;

	list_for_each(n, &threads)
		sum += thread_cpu_ns(list_entry(n, struct thread, all));
	return sum;
}

void cpu_time_inherit(const struct thread *t)
{
	ended_cpu_ns += thread_cpu_ns(t);
}

/* clock_getcpuclockid(3), pthread_getcpuclockid(3): id 0 is the caller. */
static int cpu_clock_read(int clock, u64 *ns)
{
	int id = ~(clock >> 3);

	if ((clock & CPUCLOCK_KIND) == CPUCLOCK_NOT_CPU)
		return -EINVAL;
	if (clock & CPUCLOCK_THREAD) {
		const struct thread *t = thread_by_id_or_self(id);
		if (!t)
			return -EINVAL;
		*ns = thread_cpu_ns(t);
		return 0;
	}
	if (id && !is_process_id(id))
		return -EINVAL;
	*ns = process_cpu_ns();
	return 0;
}

int clock_read(int clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_TAI:
		*ns = clock_realtime_ns() + TAI_OFFSET_NS;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_monotonic_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cpu_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_cpu_ns(current);
		return 0;
	default:
		return clock < 0 ? cpu_clock_read(clock, ns) : -EINVAL;
	}
}

int clock_for_timer(int clock, int *out)
{
	u64 now;

	switch (clock) {
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EPERM; /* they wake a sleeping machine: CAP_WAKE_ALARM */
	case CLOCK_THREAD_CPUTIME_ID:
		*out = (int)((u32)~current->tid << 3) | CPUCLOCK_THREAD | 2;
		return 0;
	default:
		*out = clock;
		return clock_read(clock, &now);
	}
}

int timespec_from_user(u64 *ns, u64 user)
{
	struct __kernel_timespec ts;

	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NS_PER_S)
		return -EINVAL;
	if ((u64)ts.tv_sec >= INT64_MAX / NS_PER_S)
		*ns = INT64_MAX;
	else
		*ns = (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
	return 0;
}

int timespec_to_user(u64 user, u64 ns)
{
	struct __kernel_timespec ts = { .tv_sec = (s64)(ns / NS_PER_S), .tv_nsec = (s64)(ns % NS_PER_S) };

	return copy_to_user(user, &ts, sizeof(ts)) ? -EFAULT : 0;
}
