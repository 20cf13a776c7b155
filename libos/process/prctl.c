/* prctl(2), arch_prctl(2). */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/prctl.h>

#include "abi/layout.h"
#include "arch/arch.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "sys/calls.h"

/* Newer than some kernel headers. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define CAPABILITIES 41 /* CAP_LAST_CAP + 1 */
#define TIMER_SLACK_NS 50000

static struct {
	u32 death_signal;
	bool no_new_privs, keep_caps, child_subreaper, thp_disabled;
	u32 dumpable;
	u64 timer_slack_ns;
} settings = { .dumpable = 1, .timer_slack_ns = TIMER_SLACK_NS };

static long set_name(u64 user)
{
	char name[sizeof(current->comm)];
	long n = strncpy_from_user(name, user, sizeof(name));

	if (n == -EFAULT)
		return n;
	memset(current->comm, 0, sizeof(current->comm));
	memcpy(current->comm, name, n >= 0 ? (u64)n : sizeof(name) - 1);
	return 0;
}

static long set_flag(bool *flag, u64 value)
{
	if (value > 1)
		return -EINVAL;
	*flag = value;
	return 0;
}

static long set_dumpable(u64 value)
{
	if (value > 1)
		return -EINVAL;
	settings.dumpable = (u32)value;
	return 0;
}

static long set_death_signal(u64 signo)
{
	if (signo > NSIG)
		return -EINVAL;
	settings.death_signal = (u32)signo;
	return 0;
}

static long set_no_new_privs(const u64 a[6])
{
	if (a[1] != 1 || a[2] || a[3] || a[4])
		return -EINVAL;
	settings.no_new_privs = true;
	return 0;
}

static long set_timer_slack(u64 ns)
{
	settings.timer_slack_ns = (s64)ns > 0 ? ns : TIMER_SLACK_NS;
	return 0;
}

/* a: option, then what it needs. What the host decides (seccomp, capabilities, memory layout) is refused. */
long sys_prctl(const u64 a[6])
{
	switch ((int)a[0]) {
	case PR_SET_NAME:
		return set_name(a[1]);
	case PR_GET_NAME:
		return copy_to_user(a[1], current->comm, sizeof(current->comm)) ? -EFAULT : 0;
	case PR_SET_PDEATHSIG: /* init, the parent, never ends */
		return set_death_signal(a[1]);
	case PR_GET_PDEATHSIG:
		return put_user_u32(a[1], settings.death_signal) ? -EFAULT : 0;
	case PR_SET_DUMPABLE:
		return set_dumpable(a[1]);
	case PR_GET_DUMPABLE:
		return settings.dumpable;
	case PR_SET_KEEPCAPS:
		return set_flag(&settings.keep_caps, a[1]);
	case PR_GET_KEEPCAPS:
		return settings.keep_caps;
	case PR_SET_CHILD_SUBREAPER:
		settings.child_subreaper = a[1];
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(a[1], settings.child_subreaper) ? -EFAULT : 0;
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(a);
	case PR_GET_NO_NEW_PRIVS:
		return a[1] || a[2] || a[3] || a[4] ? -EINVAL : settings.no_new_privs;
	case PR_SET_TIMERSLACK:
		return set_timer_slack(a[1]);
	case PR_GET_TIMERSLACK:
		return (long)settings.timer_slack_ns;
	case PR_SET_THP_DISABLE:
		settings.thp_disabled = a[1];
		return 0;
	case PR_GET_THP_DISABLE:
		return settings.thp_disabled;
	case PR_GET_TID_ADDRESS:
		return put_user_u64(a[1], current->clear_child_tid) ? -EFAULT : 0;
	case PR_CAPBSET_READ: /* no capability is ever there to be raised */
		return a[1] < CAPABILITIES ? 0 : -EINVAL;
	case PR_CAPBSET_DROP:
		return a[1] < CAPABILITIES ? -EPERM : -EINVAL;
	case PR_GET_SECUREBITS:
	case PR_GET_SECCOMP:
		return 0;
	case PR_SET_PTRACER:
	case PR_SET_VMA: /* names of mappings are for the reader of /proc/self/maps only */
		return 0;
	default:
		return -EINVAL;
	}
}

/* a: code, address. The bases are the guest's to change at any time; the kernel keeps none in use itself. */
long sys_arch_prctl(const u64 a[6])
{
	switch ((int)a[0]) {
	case ARCH_SET_FS:
		if (a[1] >= UC_GUEST_END)
			return -EPERM;
		arch_set_fs_base(a[1]);
		return 0;
	case ARCH_GET_FS:
		return put_user_u64(a[1], arch_fs_base()) ? -EFAULT : 0;
	case ARCH_SET_GS:
		if (a[1] >= UC_GUEST_END)
			return -EPERM;
		arch_set_gs_base(a[1]);
		return 0;
	case ARCH_GET_GS:
		return put_user_u64(a[1], arch_gs_base()) ? -EFAULT : 0;
	case ARCH_GET_CPUID:
		return 1; /* the instruction does not trap */
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return put_user_u64(a[1], arch_xstate_mask) ? -EFAULT : 0;
	case ARCH_REQ_XCOMP_PERM: /* AMX state is never enabled for a UC */
		return -EOPNOTSUPP;
	default: /* shadow stacks among others */
		return -EINVAL;
	}
}
