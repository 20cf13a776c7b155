/*
 * PI futexes: the word holds the owner's thread id, and an unlock hands it to the first waiter. On
 * one virtual CPU without priorities there is nothing to inherit.
 */
#include <asm/errno.h>
#include <linux/futex.h>

#include "futex.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "time/clocks.h"

static struct list_node waiters = { &waiters, &waiters };

static struct futex_waiter *next_waiter(u64 address)
{
	list_for_each(n, &waiters) {
		struct futex_waiter *w = list_entry(n, struct futex_waiter, node);
		if (w->address == address)
			return w;
	}
	return NULL;
}

/* Makes the first waiter of address the owner, or nobody; flags: FUTEX_OWNER_DIED or 0. */
static int hand_over(u64 address, u32 flags)
{
	struct futex_waiter *w = next_waiter(address);
	u32 value = flags;

	if (w) {
		list_del(&w->node);
		value |= (u32)w->thread->tid | (next_waiter(address) ? FUTEX_WAITERS : 0);
	}
	int r = put_user_u32(address, value);
	if (w)
		futex_wake_waiter(w);
	return r;
}

long futex_lock_pi(u64 address, bool try_only, int clock, u64 until)
{
	struct futex_waiter w = { .thread = current, .address = address };
	u32 value, tid = (u32)current->tid;

	if (get_user_u32(&value, address))
		return -EFAULT;
	u32 owner = value & FUTEX_TID_MASK;
	if (owner == tid)
		return -EDEADLK;
	if (!owner) {
		u32 flags = (value & FUTEX_OWNER_DIED) | (next_waiter(address) ? FUTEX_WAITERS : 0);
		return put_user_u32(address, tid | flags) ? -EFAULT : 0;
	}
	if (!thread_find((int)owner))
		return -ESRCH;
	if (put_user_u32(address, value | FUTEX_WAITERS))
		return -EFAULT;
	if (try_only)
		return -EAGAIN;
	list_add_tail(&w.node, &waiters);
	int r = futex_wait_queued(&w, clock, until);
	return r == -EINTR ? signal_restart_call() : r;
}

long futex_unlock_pi(u64 address)
{
	u32 value;

	if (get_user_u32(&value, address))
		return -EFAULT;
	if ((value & FUTEX_TID_MASK) != (u32)current->tid)
		return -EPERM;
	return hand_over(address, 0);
}

void futex_pi_owner_died(u64 address)
{
	hand_over(address, FUTEX_OWNER_DIED);
}

void futex_pi_exit(void)
{
	list_for_each(n, &waiters) {
		u64 address = list_entry(n, struct futex_waiter, node)->address;
		u32 value;
		if (get_user_u32(&value, address) || (value & FUTEX_TID_MASK) != (u32)current->tid)
			continue;
		futex_pi_owner_died(address);
		n = &waiters; /* the list changed: from the start */
	}
}
