/* Fast user-space locks. A UC is one address space, so an address is the whole key. */
#ifndef LIBOS_FUTEX_H
#define LIBOS_FUTEX_H

#include "thread.h"

/* A thread that waits on the word at address; lives on its kernel stack. */
struct futex_waiter {
	struct list_node node;
	struct thread *thread;
	u64 address;
	u32 bitset;
	bool woken; /* taken from the queue by the one who woke it */
};

/* thread/futex_wait.c: takes w from its queue and makes its thread runnable. */
void futex_wake_waiter(struct futex_waiter *w);
/*
 * Blocks until another wakes w, which is queued. 0, -ETIMEDOUT, or -EINTR for a signal; then w is not
 * queued any more. until is a time of clock; DEADLINE_NONE: none.
 */
int futex_wait_queued(struct futex_waiter *w, int clock, u64 until);

/* thread/futex.c: wakes up to count waiters on address whose bitset meets bitset. Returns how many. */
int futex_wake(u64 address, int count, u32 bitset);

/* thread/futex_pi.c: FUTEX_LOCK_PI and so on. There are no priorities, only the ownership protocol. */
long futex_lock_pi(u64 address, bool try_only, int clock, u64 until);
long futex_unlock_pi(u64 address);
/* The owner of the futex, the current thread, ends. */
void futex_pi_owner_died(u64 address);
/* Hands the PI futexes of the ending current thread to their first waiters. */
void futex_pi_exit(void);

/*
 * thread/robust.c: marks the robust mutexes that the ending current thread holds, and wakes a waiter of each.
 */
void robust_list_exit(void);

#endif
