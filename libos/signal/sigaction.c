/* Dispositions and masks: rt_sigaction, rt_sigprocmask, rt_sigpending. */
#include <asm/errno.h>

#include "mm/mm.h"
#include "sigstate.h"
#include "sys/calls.h"

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

/*
 * Job control does not exist in a UC: what would stop the process is ignored, and so is what
 * would continue it.
 */
#define SIG_DEFAULT_IGNORED                                                                        \
	(SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH) | SIGBIT(SIGSTOP) | \
	 SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))

struct ksigaction sig_actions[NSIG];

bool sig_is_ignored(int signo)
{
	u64 handler = sig_actions[signo - 1].handler;

	return handler == SIG_IGN || (handler == SIG_DFL && (SIG_DEFAULT_IGNORED & SIGBIT(signo)));
}

/* sigaction(2). a: signo, new action or 0, old action or 0, size of the mask. */
long sys_rt_sigaction(const u64 a[6])
{
	int signo = (int)a[0];
	struct ksigaction new;

	if (a[3] != sizeof(sigmask_t))
		return -EINVAL;
	if (a[1] && copy_from_user(&new, a[1], sizeof(new)))
		return -EFAULT;
	if (signo < 1 || signo > NSIG || (a[1] && (SIG_UNBLOCKABLE & SIGBIT(signo))))
		return -EINVAL;
	struct ksigaction old = sig_actions[signo - 1];
	if (a[1]) {
		new.flags &= SA_SUPPORTED;
		new.mask &= ~SIG_UNBLOCKABLE;
		sig_actions[signo - 1] = new;
		if (sig_is_ignored(signo))
			sig_flush(signo);
	}
	if (a[2] && copy_to_user(a[2], &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

/* sigprocmask(2). a: how, new set or 0, old set or 0, size of a set. */
long sys_rt_sigprocmask(const u64 a[6])
{
	sigmask_t old = current->sig_mask, set;

	if (a[3] != sizeof(set))
		return -EINVAL;
	if (a[1]) {
		if (get_user_u64(&set, a[1]))
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK:
			signal_set_mask(old | set);
			break;
		case SIG_UNBLOCK:
			signal_set_mask(old & ~set);
			break;
		case SIG_SETMASK:
			signal_set_mask(set);
			break;
		default:
			return -EINVAL;
		}
	}
	if (a[2] && put_user_u64(a[2], old))
		return -EFAULT;
	return 0;
}

/* sigpending(2): of the pending signals those that are blocked. */
long sys_rt_sigpending(const u64 a[6])
{
	sigmask_t set = signal_pending_set() & current->sig_mask;

	if (a[1] > sizeof(set))
		return -EINVAL;
	return copy_to_user(a[0], &set, a[1]) ? -EFAULT : 0;
}
