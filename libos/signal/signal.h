/* signal/: POSIX signals between the guest's threads, timers, faults and the host. */
#ifndef LIBOS_SIGNAL_H
#define LIBOS_SIGNAL_H

#include "thread/thread.h"

/* Signal numbers of x86-64. <asm/signal.h> cannot be included: it has its own NSIG and sigset_t. */
#ifndef SIGHUP
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 32
#endif

/* si_code values, siginfo(7). */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_TKILL (-6)

/* Linux's siginfo_t, the fields that we fill. 128 bytes. */
struct ksiginfo {
	s32 si_signo, si_errno, si_code, pad;
	union {
		/* kill, sigqueue */
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} rt;
		/* SI_TIMER */
		struct {
			s32 timerid;
			s32 overrun;
			u64 value;
		} timer;
		/* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
		struct {
			u64 addr;
			s16 addr_lsb;
		} fault;
		/* SIGIO */
		struct {
			s64 band;
			s32 fd;
		} poll;
		u8 raw[112];
	} u;
};
_Static_assert(sizeof(struct ksiginfo) == 128, "siginfo_t is 128 bytes");

/* info NULL: SI_KERNEL. Wakes a thread whose mask lets it through. */
void signal_send_process(int signo, const struct ksiginfo *info);
void signal_send_thread(struct thread *t, int signo, const struct ksiginfo *info);
/* Something that the mask of t lets through (and that is not ignored) is pending. */
bool signal_pending(const struct thread *t);
/*
 * On the way back to the guest: sets up the frame of the next handler in current->tf, applies the default
 * action, and decides on the call that returned a restart code. Called by sys/syscall.c only. Must also run
 * when current->sig_restore_mask is set or the call returned a restart code.
 */
void signal_deliver(void);

/*
 * Replaces the mask of the current thread (SIGKILL and SIGSTOP stay open). Pending signals of the
 * process that it no longer takes go to another thread that does.
 */
void signal_set_mask(sigmask_t mask);
/*
 * For ppoll, pselect and epoll_pwait: the mask for the duration of the call. The old one comes back in
 * signal_deliver, after the handler of a signal that ended the call has it in its frame.
 */
void signal_set_temporary_mask(sigmask_t mask);
/* Copies a guest's sigset_t; 0, -EINVAL when bytes is not 8, or -EFAULT. */
int signal_copy_mask(sigmask_t *mask, u64 user_set, u64 bytes);

/*
 * Pending signals for event/signalfd.c (and rt_sigtimedwait): those of the current thread and of the process.
 */
sigmask_t signal_pending_set(void);
/*
 * Takes one of set out of them: synchronous ones first, then the thread's own, then the process's, lowest
 * number first: its number, or 0. Masks do not matter.
 */
int signal_dequeue(sigmask_t set, struct ksiginfo *info);
/* Woken with POLLIN whenever a signal becomes pending, blocked ones too. */
extern struct waitq signal_arrived;

/*
 * For a call that no handler may end with EINTR (Linux's ERESTARTNOINTR): what it returns so that the guest
 * makes it again after the handlers.
 */
long signal_restart_call(void);

/* thread/clone.c, exit.c: signal state of a new thread of current, and of one that ends. */
void signal_thread_init(struct thread *t);
void signal_thread_exit(struct thread *t);

#endif
