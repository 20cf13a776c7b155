/* Dispatch of the guest's system calls, and the way back to the guest. */
#include <asm/errno.h>

#include "arch/arch.h"
#include "host/link.h"
#include "include/syscall.h"
#include "include/upcalls.h"
#include "signal/signal.h"
#include "table.h"
#include "thread/sched.h"

/* Calls without an implementation, counted by number; listed at exit with --trace. */
static u32 syscall_unknown[SYSCALL_MAX];

static const char *const names[SYSCALL_MAX] = {
#include "syscall_names.inc"
};

static const char *name_of(u64 nr)
{
	return nr < SYSCALL_MAX && names[nr] ? names[nr] : "?";
}

static long unknown_call(u64 nr)
{
	if (nr < SYSCALL_MAX)
		syscall_unknown[nr]++;
	return -ENOSYS;
}

void syscall_trace_unknown(void)
{
	for (u64 nr = 0; nr < SYSCALL_MAX; nr++)
		if (syscall_unknown[nr])
			trace("unknown call %s (%lu): %u times\n", name_of(nr), nr, syscall_unknown[nr]);
}

static void trace_call(const u64 a[6], u64 nr, long ret)
{
	trace("[%d] %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx) = %ld\n", current->tid, name_of(nr), a[0], a[1],
	      a[2], a[3], a[4], a[5], ret);
}

void syscall_dispatch(void)
{
	struct trapframe *tf = current->tf;
	u64 nr = tf->rax;
	const u64 a[6] = { tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9 };

	tf->orig_rax = nr;
	syscall_fn fn = nr < SYSCALL_MAX ? syscall_table[nr] : NULL;
	long ret = fn ? fn(a) : unknown_call(nr);
	if (unlikely(uc_identity.trace))
		trace_call(a, nr, ret);
	if (ret == -ESYSRETURNED)
		current->fast_return = false;
	else
		tf->rax = (u64)ret;
}

static bool call_wants_decision(const struct trapframe *tf)
{
	long ret = (long)tf->rax;

	return (long)tf->orig_rax >= 0 && (ret == -ERESTARTSYS || ret == -ERESTARTNOHAND);
}

int return_to_guest(void)
{
	struct thread *t = current;

	for (;;) {
		if (need_resched)
			sched_tick();
		else if (signal_pending(t) || t->sig_restore_mask || call_wants_decision(t->tf))
			signal_deliver();
		else
			break;
	}
	sched_arm_alarm();
	if (t->xstate_saved)
		arch_xstate_restore(t);
	return t->fast_return ? 0 : 1;
}
