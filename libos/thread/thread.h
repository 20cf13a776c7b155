/*
 * Green threads. A UC has one host thread; the guest's threads are switched here.
 * The library OS itself is never preempted: no locks anywhere in it.
 */
#ifndef LIBOS_THREAD_H
#define LIBOS_THREAD_H

#include "include/types.h"

/* Guest registers at entry to the library OS. Layout known to arch/entry.S. */
struct trapframe {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* syscall number, or -1 if this entry is no syscall */
	u64 rip, cs, rflags, rsp, ss;
};

/* thread/ktimer.c ------------------------------------------------------------- */

/* A kernel timer: func is called (never inside a syscall's middle, but between threads) when due. */
struct ktimer {
	struct list_node node;
	u64 deadline_ns; /* CLOCK_MONOTONIC */
	void (*func)(struct ktimer *t);
};

void ktimer_init(struct ktimer *t, void (*func)(struct ktimer *t));
void ktimer_set(struct ktimer *t, u64 deadline_ns); /* re-arms if armed */
void ktimer_cancel(struct ktimer *t);
u64 ktimer_next(void); /* earliest deadline, DEADLINE_NONE if none */
void ktimer_run(u64 now_ns); /* calls what is due */

#define NSIG 64
typedef u64 sigmask_t; /* bit n-1: signal n */
#define SIGBIT(n) (1ull << ((n) - 1))

/* A signal as queued; siginfo is Linux's 128-byte siginfo_t. */
struct sig_queued {
	struct list_node node;
	int signo;
	u8 info[128];
};

struct sig_pending {
	sigmask_t set;
	struct list_node queue; /* struct sig_queued */
};

struct sig_altstack {
	u64 sp;
	u64 bytes;
	u32 flags; /* SS_DISABLE, SS_AUTODISARM */
};

enum thread_state {
	THREAD_RUNNABLE, /* in the run queue or running */
	THREAD_BLOCKED,
	THREAD_DEAD,
};

#define KSTACK_BYTES 16384ul
#define XSAVE_BYTES 4096ul /* largest extended state that we accept */

struct thread {
	struct list_node all;  /* threads */
	struct list_node run;  /* run queue, when runnable and not current */
	struct ktimer deadline; /* armed while blocked with a deadline */
	int tid;
	enum thread_state state;
	bool wake_pending; /* woken while not blocked: the next sched_block returns at once */
	bool timed_out;

	u64 ksp;        /* saved stack pointer of the kernel context while not running */
	void *kstack;   /* KSTACK_BYTES: from the top xstate, tf, the kernel context */
	struct trapframe *tf; /* guest registers; valid inside a trap */
	void *xstate;   /* arch_xstate_bytes, 64-byte aligned, in the standard format of xsave */
	bool xstate_saved; /* the guest's extended state is in xstate, not in the CPU */
	bool fast_return;  /* the guest expects rcx and r11 to be lost: it made a patched syscall */
	u64 fs_base, gs_base; /* valid while not running */

	/* signal/signal.c */
	sigmask_t sig_mask;
	sigmask_t sig_saved_mask; /* to restore after sigsuspend, ppoll, pselect, epoll_pwait */
	bool sig_restore_mask;
	struct sig_pending sig_pending; /* directed at this thread */
	struct sig_altstack sig_altstack;
	sigmask_t sig_wait; /* signals that rt_sigtimedwait waits for */
	u64 sig_syscall_rip; /* where to go to make the interrupted call again */

	/* thread/clone.c, thread/futex.c */
	u64 clear_child_tid;
	u64 robust_list, robust_list_len;
	char comm[16];
	u64 cpu_ns; /* time on the processor, for getrusage and CLOCK_THREAD_CPUTIME_ID */
};

extern struct thread *current;
extern struct list_node threads; /* every thread that is not dead */
extern int thread_count;

#define DEADLINE_NONE (~0ull)

/* thread/sched.c ------------------------------------------------------------ */

/*
 * Blocks the current thread until sched_wake, the deadline (absolute CLOCK_MONOTONIC ns) or,
 * if interruptible, a signal that its mask lets through.
 * 0 woken, -ETIMEDOUT, -EINTR. Callers loop on their own condition.
 */
int sched_block(u64 deadline_ns, bool interruptible);
void sched_wake(struct thread *t);
/* Lets other runnable threads go first. */
void sched_yield_now(void);
/* Until every other thread is blocked, or about so long. */
void sched_run_others(u64 limit_ns);
/*
 * A new thread whose first guest registers are *tf; not yet runnable.
 * Returns NULL when memory is short. sched_wake starts it.
 */
struct thread *thread_create(const struct trapframe *tf, u64 fs_base);
/* Ends the current thread; does not return. The last thread's end ends the UC. */
noreturn_fn void thread_exit(void);
struct thread *thread_find(int tid);
/* Called by interrupt-level code (alarm): switch at the next return to the guest. */
extern bool need_resched;
/* Number of runnable threads other than current. */
int sched_runnable(void);

/* thread/waitq.c -------------------------------------------------------------- */

/* A queue of waiters on one event source, as Linux's wait_queue_head. */
struct waitq {
	struct list_node waiters;
};

struct waiter {
	struct list_node node;
	struct thread *thread;
	/* Called at each wake with the POLL… bits that became true; NULL: wakes thread. */
	void (*func)(struct waiter *w, u32 events);
};

#define WAITQ_INIT(name)                                        \
	{                                                       \
		.waiters = { &(name).waiters, &(name).waiters } \
	}
void waitq_init(struct waitq *q);
void waiter_init(struct waiter *w, struct thread *t);
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_remove(struct waiter *w); /* harmless when not queued */
void waitq_wake(struct waitq *q, u32 events); /* all waiters; func may remove itself */
void waitq_wake_one(struct waitq *q, u32 events);
/* Waits on q once: adds, blocks, removes. Same result as sched_block. */
int waitq_wait(struct waitq *q, u64 deadline_ns, bool interruptible);

#endif
