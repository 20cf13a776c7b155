/* What happens to signals, and to the call they interrupted, on the way back to the guest. */
#include <asm/errno.h>

#include "include/syscall.h"
#include "include/upcalls.h"
#include "sigstate.h"

static bool in_syscall(void)
{
	return (s64)current->tf->orig_rax >= 0;
}

static void make_call_again(void)
{
	current->tf->rip = current->sig_syscall_rip;
	current->tf->rax = current->tf->orig_rax;
}

long signal_restart_call(void)
{
	current->tf->rip = current->sig_syscall_rip;
	return (long)current->tf->orig_rax;
}

/* The interrupted call, when sa's handler is about to run. */
static void settle_call_for_handler(const struct ksigaction *sa)
{
	struct trapframe *tf = current->tf;

	if (!in_syscall())
		return;
	if ((s64)tf->rax == -ERESTARTSYS && (sa->flags & SA_RESTART))
		make_call_again();
	else if ((s64)tf->rax == -ERESTARTSYS || (s64)tf->rax == -ERESTARTNOHAND)
		tf->rax = (u64)-EINTR;
	tf->orig_rax = ~0ull; /* settled, whatever other handler is stacked on this one */
}

/* The interrupted call, when no handler runs. */
static void settle_call(void)
{
	s64 rax = (s64)current->tf->rax;

	if (in_syscall() && (rax == -ERESTARTSYS || rax == -ERESTARTNOHAND))
		make_call_again();
}

static void run_handler(const struct ksiginfo *info)
{
	int signo = info->si_signo;
	struct ksigaction *slot = &sig_actions[signo - 1], sa = *slot;

	if (sa.flags & SA_RESETHAND)
		slot->handler = SIG_DFL;
	settle_call_for_handler(&sa);
	sigmask_t old = current->sig_restore_mask ? current->sig_saved_mask : current->sig_mask;
	if (sigframe_push(&sa, info, old)) {
		/* No stack to run a handler on; for a SIGSEGV handler that is the end. */
		struct ksiginfo fault = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
		if (signo == SIGSEGV)
			slot->handler = SIG_DFL;
		signal_force(&fault);
		return;
	}
	current->sig_restore_mask = false;
	signal_set_mask(current->sig_mask | sa.mask | (sa.flags & SA_NODEFER ? 0 : SIGBIT(signo)));
	if (current->sig_altstack.flags & SS_AUTODISARM)
		sigaltstack_reset(current);
}

void signal_deliver(void)
{
	struct ksiginfo info;

	for (;;) {
		int signo = signal_dequeue(~current->sig_mask, &info);
		if (signo) {
			if (sig_is_ignored(signo))
				continue;
			if (sig_actions[signo - 1].handler == SIG_DFL)
				uc_exit(0, (u32)signo);
			run_handler(&info);
			continue;
		}
		settle_call();
		if (!current->sig_restore_mask)
			return;
		current->sig_restore_mask = false;
		signal_set_mask(current->sig_saved_mask);
		if (!signal_pending(current))
			return;
	}
}
