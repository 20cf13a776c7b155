/* What the files signal/ share: dispositions, pending sets, frames. Nobody else includes this. */
#ifndef LIBOS_SIGSTATE_H
#define LIBOS_SIGSTATE_H

#include "signal.h"

#define SIG_DFL 0ul
#define SIG_IGN 1ul

#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO 0x00000004ul
#define SA_RESTORER 0x04000000ul
#define SA_ONSTACK 0x08000000ul
#define SA_RESTART 0x10000000ul
#define SA_NODEFER 0x40000000ul
#define SA_RESETHAND 0x80000000ul
#define SA_SUPPORTED                                                                                     \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
	 SA_RESETHAND)

#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM 0x80000000u

#define SIG_UNBLOCKABLE (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIG_SYNCHRONOUS                                                                         \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) | \
	 SIGBIT(SIGSYS))

/* Signals that may wait with a siginfo of their own; a real-time signal beyond this is refused (EAGAIN). */
#define SIGQUEUE_MAX 1024u

/* The kernel's struct sigaction, as the guest passes it. */
struct ksigaction {
	u64 handler;
	u64 flags;
	u64 restorer;
	sigmask_t mask;
};

extern struct ksigaction sig_actions[NSIG]; /* of signal n at n - 1; for the whole process */

/* Signals whose disposition is to be dropped. */
bool sig_is_ignored(int signo);
/* Takes every pending instance of signo away from the process and all its threads. */
void sig_flush(int signo);
/*
 * Queues signo for t, or for the process if t is NULL, and wakes who may take it.
 * -EAGAIN if info says more than a plain kill(2) and there is no room.
 */
int sig_send(struct thread *t, int signo, const struct ksiginfo *info);
/*
 * As sig_send for an entry that the sender owns and that is not queued; false if the signal is
 * ignored, then q stays unqueued. When q is taken from the queue, posixtimer_taken() gets it.
 */
bool sig_send_owned(struct thread *t, struct sig_queued *q);
/* Takes q back if it is still queued. */
void sig_revoke_owned(struct thread *t, struct sig_queued *q);

/* sigaltstack.c */
bool sigaltstack_contains(const struct thread *t, u64 sp);
void sigaltstack_reset(struct thread *t);
/* Guest layout of stack_t. */
struct kstack_t {
	u64 sp;
	u32 flags;
	u32 pad;
	u64 bytes;
};
struct kstack_t sigaltstack_get(const struct thread *t);
int sigaltstack_set(struct thread *t, const struct kstack_t *ss, u64 sp);

/*
 * sigframe.c: pushes the frame of a handler and points current->tf at it; -EFAULT when the stack cannot take
 * it.
 */
int sigframe_push(const struct ksigaction *sa, const struct ksiginfo *info, sigmask_t mask);

#endif
