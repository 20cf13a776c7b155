/*
 * The scheduler's calls: one CPU, one policy. SCHED_BATCH and SCHED_IDLE are hints that change
 * nothing; real-time policies need a privilege that the guest does not have.
 */
#include <asm/errno.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "mm/mm.h"
#include "process/ids.h"
#include "sys/calls.h"

#define RT_PRIORITY_MIN 1
#define RT_PRIORITY_MAX 99
#define PRIO_PROCESS 0
#define PRIO_USER 2
#define NICE_WORST 19
#define NICE_BEST (-20)
#define SLICE_NS 5000000ull

static int nice_value;

long sys_sched_yield(const u64 a[6])
{
	(void)a;
	sched_yield_now();
	return 0;
}

/* a: id, bytes, mask. Returns the bytes of the kernel's own mask, here one word. */
long sys_sched_getaffinity(const u64 a[6])
{
	u64 mask = 1;

	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	if ((u32)a[1] < sizeof(mask) || (u32)a[1] % sizeof(mask))
		return -EINVAL;
	return put_user_u64(a[2], mask) ? -EFAULT : (long)sizeof(mask);
}

/* a: id, bytes, mask. Any mask that holds CPU 0 is met already. */
long sys_sched_setaffinity(const u64 a[6])
{
	u64 mask = 0;

	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	if (copy_from_user(&mask, a[2], MIN((u64)(u32)a[1], sizeof(mask))))
		return -EFAULT;
	return mask & 1 ? 0 : -EINVAL;
}

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_policy(int policy, u32 priority)
{
	switch (policy) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return priority ? -EINVAL : 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return priority < RT_PRIORITY_MIN || priority > RT_PRIORITY_MAX ? -EINVAL : -EPERM;
	case SCHED_DEADLINE:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

static long set_policy(int id, int policy, u64 param)
{
	u32 priority;

	if (id < 0 || policy < 0 || !param)
		return -EINVAL;
	if (get_user_u32(&priority, param))
		return -EFAULT;
	return thread_by_id_or_self(id) ? check_policy(policy, priority) : -ESRCH;
}

/* a: id, policy, struct sched_param. */
long sys_sched_setscheduler(const u64 a[6])
{
	return set_policy((int)a[0], (int)a[1], a[2]);
}

long sys_sched_setparam(const u64 a[6])
{
	return set_policy((int)a[0], SCHED_NORMAL, a[1]);
}

long sys_sched_getscheduler(const u64 a[6])
{
	if ((int)a[0] < 0)
		return -EINVAL;
	return thread_by_id_or_self((int)a[0]) ? SCHED_NORMAL : -ESRCH;
}

/* a: id, struct sched_param. */
long sys_sched_getparam(const u64 a[6])
{
	if ((int)a[0] < 0 || !a[1])
		return -EINVAL;
	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	return put_user_u32(a[1], 0) ? -EFAULT : 0;
}

/* a: id, struct sched_attr, its size, flags. */
long sys_sched_getattr(const u64 a[6])
{
	struct sched_attr attr = { .size = sizeof(attr),
				   .sched_policy = SCHED_NORMAL,
				   .sched_nice = nice_value };
	u32 room = (u32)a[2];

	if ((int)a[0] < 0 || !a[1] || room < SCHED_ATTR_SIZE_VER0 || room > PAGE_SIZE || a[3])
		return -EINVAL;
	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	attr.size = MIN(room, attr.size);
	return copy_to_user(a[1], &attr, attr.size) ? -EFAULT : 0;
}

/* a: id, struct sched_attr, flags. */
long sys_sched_setattr(const u64 a[6])
{
	struct sched_attr attr;

	if ((int)a[0] < 0 || !a[1] || a[2])
		return -EINVAL;
	if (copy_from_user(&attr, a[1], SCHED_ATTR_SIZE_VER0))
		return -EFAULT;
	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	return check_policy((int)attr.sched_policy, attr.sched_priority);
}

static long priority_limit(int policy, long realtime)
{
	if (is_realtime(policy))
		return realtime;
	bool known = policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ||
		     policy == SCHED_DEADLINE;
	return known ? 0 : -EINVAL;
}

long sys_sched_get_priority_max(const u64 a[6])
{
	return priority_limit((int)a[0], RT_PRIORITY_MAX);
}

long sys_sched_get_priority_min(const u64 a[6])
{
	return priority_limit((int)a[0], RT_PRIORITY_MIN);
}

/* a: id, struct timespec. */
long sys_sched_rr_get_interval(const u64 a[6])
{
	const u64 ts[2] = { 0, SLICE_NS };

	if ((int)a[0] < 0)
		return -EINVAL;
	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	return copy_to_user(a[1], ts, sizeof(ts)) ? -EFAULT : 0;
}

static int check_who(u64 which, int who)
{
	if (which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_USER)
		return !who || (u32)who == UC_UID ? 0 : -ESRCH;
	return thread_by_id_or_self(who) ? 0 : -ESRCH;
}

/* getpriority(2). a: which, who. Returns 20 - nice, so that it is never negative. */
long sys_getpriority(const u64 a[6])
{
	int r = check_who(a[0], (int)a[1]);

	return r ? r : 20 - nice_value;
}

/* setpriority(2): one nice value for all threads; only downwards. a: which, who, nice. */
long sys_setpriority(const u64 a[6])
{
	int r = check_who(a[0], (int)a[1]), nice = (int)a[2];

	if (r)
		return r;
	nice = MIN(MAX(nice, NICE_BEST), NICE_WORST);
	if (nice < nice_value)
		return -EACCES;
	nice_value = nice;
	return 0;
}

/* ioprio_set(2), ioprio_get(2): there is no disk to share. */
long sys_ioprio_set(const u64 a[6])
{
	(void)a;
	return 0;
}

long sys_ioprio_get(const u64 a[6])
{
	(void)a;
	return 0;
}

/* a: CPU, NUMA node, unused; each may be 0. */
long sys_getcpu(const u64 a[6])
{
	if ((a[0] && put_user_u32(a[0], 0)) || (a[1] && put_user_u32(a[1], 0)))
		return -EFAULT;
	return 0;
}

/* membarrier(2): on one CPU memory is always in order, and a thread that did not run needs no barrier. */
long sys_membarrier(const u64 a[6])
{
	const u32 supported = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
			      MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
			      MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
			      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
	u32 cmd = (u32)a[0];

	if (a[1])
		return -EINVAL;
	if (cmd == MEMBARRIER_CMD_QUERY)
		return supported;
	return (cmd & supported) && !(cmd & (cmd - 1)) ? 0 : -EINVAL;
}
