/* What the system says of itself: uname, sysinfo, getrusage, and capabilities it does not grant. */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "host/link.h"
#include "ids.h"
#include "mm/mm.h"
#include "sys/calls.h"
#include "system.h"
#include "time/clock.h"
#include "time/clocks.h"

#define PER_LINUX 0
#define PERSONALITY_QUERY 0xffffffffu
#define NO_LIMIT_BYTES (64ull << 30) /* told when the UC has no memory limit */

/* struct utsname. a: buffer. */
long sys_uname(const u64 a[6])
{
	static const struct new_utsname name = {
		.sysname = "Linux",
		.nodename = SYSTEM_NODENAME,
		.release = SYSTEM_RELEASE,
		.version = SYSTEM_VERSION,
		.machine = "x86_64",
		.domainname = "(none)",
	};

	return copy_to_user(a[0], &name, sizeof(name)) ? -EFAULT : 0;
}

u64 system_memory_bytes(void)
{
	return uc_identity.memory_limit ? uc_identity.memory_limit : NO_LIMIT_BYTES;
}

u64 system_free_bytes(void)
{
	u64 total = system_memory_bytes(), used = mm_resident_estimate();

	return total > used ? total - used : 0;
}

/* a: struct sysinfo. */
long sys_sysinfo(const u64 a[6])
{
	struct sysinfo s = {
		.uptime = (s64)(clock_monotonic_ns() / NS_PER_S),
		.totalram = system_memory_bytes(),
		.freeram = system_free_bytes(),
		.procs = (u16)MIN(thread_count, UINT16_MAX),
		.mem_unit = 1,
	};

	return copy_to_user(a[0], &s, sizeof(s)) ? -EFAULT : 0;
}

/* a: who, struct rusage. Time in the library OS counts as user time. */
long sys_getrusage(const u64 a[6])
{
	struct rusage r = { .ru_utime.tv_sec = 0 };
	u64 ns = 0;

	switch ((int)a[0]) {
	case RUSAGE_SELF:
		ns = process_cpu_ns();
		break;
	case RUSAGE_THREAD:
		ns = thread_cpu_ns(current);
		break;
	case RUSAGE_CHILDREN:
		break;
	default:
		return -EINVAL;
	}
	r.ru_utime.tv_sec = (s64)(ns / NS_PER_S);
	r.ru_utime.tv_usec = (s64)(ns % NS_PER_S / NS_PER_US);
	if ((int)a[0] != RUSAGE_CHILDREN)
		r.ru_maxrss = (s64)(mm_resident_estimate() >> 10); /* KiB */
	return copy_to_user(a[1], &r, sizeof(r)) ? -EFAULT : 0;
}

/* a: persona, or PERSONALITY_QUERY. Flags such as ADDR_NO_RANDOMIZE are taken and mean nothing here. */
long sys_personality(const u64 a[6])
{
	static u32 persona = PER_LINUX;
	u32 old = persona;

	if ((u32)a[0] != PERSONALITY_QUERY)
		persona = (u32)a[0];
	return (long)old;
}

/*
 * Reads the header; 0 and the number of data words, or -EINVAL with the version that we speak written back.
 */
static int capability_header(u64 user, int *words, int *pid)
{
	struct __user_cap_header_struct h;

	if (copy_from_user(&h, user, sizeof(h)))
		return -EFAULT;
	*pid = h.pid;
	*words = h.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
	if (h.version == _LINUX_CAPABILITY_VERSION_1 || h.version == _LINUX_CAPABILITY_VERSION_2 ||
	    h.version == _LINUX_CAPABILITY_VERSION_3)
		return 0;
	h.version = _LINUX_CAPABILITY_VERSION_3;
	return copy_to_user(user, &h, sizeof(h)) ? -EFAULT : -EINVAL;
}

/* a: header, data or 0. The guest has no capability. */
long sys_capget(const u64 a[6])
{
	const struct __user_cap_data_struct none[2] = { { 0 } };
	int words, pid, r = capability_header(a[0], &words, &pid);

	if (r)
		return r == -EINVAL && !a[1] ? 0 : r; /* a query for the version */
	if (pid < 0)
		return -EINVAL;
	if (!thread_by_id_or_self(pid))
		return -ESRCH;
	return a[1] && copy_to_user(a[1], none, sizeof(none[0]) * (u64)words) ? -EFAULT : 0;
}

/* a: header, data. */
long sys_capset(const u64 a[6])
{
	struct __user_cap_data_struct data[2] = { { 0 } };
	int words, pid, r = capability_header(a[0], &words, &pid);

	if (r)
		return r;
	if (pid && thread_by_id(pid) != current)
		return -EPERM;
	if (copy_from_user(data, a[1], sizeof(data[0]) * (u64)words))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return -EPERM;
	}
	return 0;
}
