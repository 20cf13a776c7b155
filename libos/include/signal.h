/* kernel/signal.c: POSIX signals between the guest's threads, timers, faults and the host. */
#ifndef LIBOS_SIGNAL_H
#define LIBOS_SIGNAL_H

#include "thread.h"

/* Linux's siginfo_t, the fields that we fill. 128 bytes. */
struct ksiginfo {
	s32 si_signo, si_errno, si_code, pad;
	union {
		struct { s32 pid; u32 uid; u64 value; } rt;                  /* kill, sigqueue */
		struct { s32 timerid; s32 overrun; u64 value; } timer;       /* SI_TIMER */
		struct { u64 addr; s16 addr_lsb; } fault;                    /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
		struct { s64 band; s32 fd; } poll;                           /* SIGIO */
		u8 raw[112];
	} u;
};
_Static_assert(sizeof(struct ksiginfo) == 128, "siginfo_t is 128 bytes");

/* info NULL: SI_KERNEL. Wakes a thread whose mask lets it through. */
void signal_send_process(int signo, const struct ksiginfo *info);
void signal_send_thread(struct thread *t, int signo, const struct ksiginfo *info);
/* A fault of the current thread: delivered even if blocked or ignored (then fatal). */
void signal_force(const struct ksiginfo *info);
/* Something that the mask of t lets through (and that is not ignored) is pending. */
bool signal_pending(const struct thread *t);
/*
 * On the way back to the guest: sets up the frame of the next handler in current->tf, applies the default action, and
 * decides on the call that returned a restart code. Called by kernel/syscall.c only.
 */
void signal_deliver(void);

/* Pending signals for net/signalfd.c (and rt_sigtimedwait): those of the current thread and of the process. */
sigmask_t signal_pending_set(void);
/* Takes one of set out of them, the thread's own first: its number, or 0. Masks do not matter. */
int signal_dequeue(sigmask_t set, struct ksiginfo *info);
/* Woken with POLLIN whenever a signal becomes pending, blocked ones too. */
extern struct waitq signal_arrived;

long sys_rt_sigreturn(const u64 a[6]);

#endif
