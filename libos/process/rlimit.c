/* getrlimit(2), setrlimit(2), prlimit(2). What binds is RLIMIT_NOFILE; the others are remembered. */
#include <asm/errno.h>
#include <linux/resource.h>

#include "ids.h"
#include "include/upcalls.h"
#include "mm/mm.h"
#include "rlimit.h"
#include "sys/calls.h"

#define INFINITY RLIM_INFINITY
#define NOFILE_SOFT 1024ul
#define NOFILE_HARD 65536ul
#define MEMLOCK_BYTES (8ul << 20)
#define PENDING_SIGNALS 1024ul
#define MSGQUEUE_BYTES 819200ul
#define THREADS 8192ul

static struct rlimit64 limits[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = { INFINITY, INFINITY },
	[RLIMIT_FSIZE] = { INFINITY, INFINITY },
	[RLIMIT_DATA] = { INFINITY, INFINITY },
	[RLIMIT_STACK] = { STACK_BYTES, INFINITY },
	[RLIMIT_CORE] = { 0, INFINITY },
	[RLIMIT_RSS] = { INFINITY, INFINITY },
	[RLIMIT_NPROC] = { THREADS, THREADS },
	[RLIMIT_NOFILE] = { NOFILE_SOFT, NOFILE_HARD },
	[RLIMIT_MEMLOCK] = { MEMLOCK_BYTES, MEMLOCK_BYTES },
	[RLIMIT_AS] = { INFINITY, INFINITY },
	[RLIMIT_LOCKS] = { INFINITY, INFINITY },
	[RLIMIT_SIGPENDING] = { PENDING_SIGNALS, PENDING_SIGNALS },
	[RLIMIT_MSGQUEUE] = { MSGQUEUE_BYTES, MSGQUEUE_BYTES },
	[RLIMIT_NICE] = { 0, 0 },
	[RLIMIT_RTPRIO] = { 0, 0 },
	[RLIMIT_RTTIME] = { INFINITY, INFINITY },
};

u64 rlimit_soft(u32 resource)
{
	return limits[resource].rlim_cur;
}

static int set_limit(u32 resource, const struct rlimit64 *new)
{
	struct rlimit64 *l = &limits[resource];

	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new->rlim_max > l->rlim_max)
		return -EPERM;
	*l = *new;
	if (resource == RLIMIT_NOFILE)
		fd_set_limit((u32)new->rlim_cur); /* at most NOFILE_HARD */
	return 0;
}

static long get_and_set(u64 resource, u64 new_user, u64 old_user)
{
	struct rlimit64 new;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	struct rlimit64 old = limits[resource];
	if (new_user) {
		if (copy_from_user(&new, new_user, sizeof(new)))
			return -EFAULT;
		int r = set_limit((u32)resource, &new);
		if (r)
			return r;
	}
	return old_user && copy_to_user(old_user, &old, sizeof(old)) ? -EFAULT : 0;
}

/* a: resource, struct rlimit. */
long sys_getrlimit(const u64 a[6])
{
	struct rlimit64 old;

	if ((u32)a[0] >= RLIM_NLIMITS)
		return -EINVAL;
	old = limits[(u32)a[0]];
	return copy_to_user(a[1], &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_setrlimit(const u64 a[6])
{
	struct rlimit64 new;

	if (copy_from_user(&new, a[1], sizeof(new)))
		return -EFAULT;
	return (u32)a[0] < RLIM_NLIMITS ? set_limit((u32)a[0], &new) : -EINVAL;
}

/* a: process or thread id or 0, resource, new limit or 0, old limit or 0. */
long sys_prlimit64(const u64 a[6])
{
	if (!thread_by_id_or_self((int)a[0]))
		return -ESRCH;
	return get_and_set((u32)a[1], a[2], a[3]);
}
