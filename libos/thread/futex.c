/* futex(2): waiting and waking. Private and shared futexes are the same here. */
#include <asm/errno.h>
#include <linux/futex.h>

#include "futex.h"
#include "mm/mm.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/clocks.h"

#define BUCKET_BITS 6

static struct list_node buckets[1 << BUCKET_BITS];

static struct list_node *bucket_of(u64 address)
{
	u64 hash = (address >> 2) * 0x9e3779b97f4a7c15ull;
	struct list_node *b = &buckets[hash >> (64 - BUCKET_BITS)];

	if (!b->next)
		list_init(b);
	return b;
}

static void futex_queue(struct futex_waiter *w)
{
	list_add_tail(&w->node, bucket_of(w->address));
}

int futex_wake(u64 address, int count, u32 bitset)
{
	struct list_node *head = bucket_of(address);
	int woken = 0;

	list_for_each_safe(n, next, head) {
		struct futex_waiter *w = list_entry(n, struct futex_waiter, node);
		if (woken >= count)
			break;
		if (w->address != address || !(w->bitset & bitset))
			continue;
		futex_wake_waiter(w);
		woken++;
	}
	return woken;
}

/* FUTEX_WAIT, FUTEX_WAIT_BITSET: sleeps if the word is still expect. */
static long futex_wait(u64 address, u32 expect, u32 bitset, int clock, u64 until)
{
	struct futex_waiter w = { .thread = current, .address = address, .bitset = bitset };
	u32 value;

	if (!bitset)
		return -EINVAL;
	if (get_user_u32(&value, address))
		return -EFAULT;
	if (value != expect)
		return -EAGAIN;
	futex_queue(&w);
	int r = futex_wait_queued(&w, clock, until);
	if (r != -EINTR)
		return r;
	/* As Linux: with a timeout no handler lets the call go on. */
	return until == DEADLINE_NONE ? -ERESTARTSYS : -ERESTARTNOHAND;
}

/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE: wakes some waiters and moves others to wait on target. */
static long futex_requeue(u64 address, int wake, int move, u64 target, const u32 *expect)
{
	u32 value;

	if (wake < 0 || move < 0)
		return -EINVAL;
	if (get_user_u32(&value, address))
		return -EFAULT;
	if (expect && value != *expect)
		return -EAGAIN;
	int done = futex_wake(address, wake, FUTEX_BITSET_MATCH_ANY), moved = 0;
	struct list_node *head = bucket_of(address);
	list_for_each_safe(n, next, head) {
		struct futex_waiter *w = list_entry(n, struct futex_waiter, node);
		if (moved >= move)
			break;
		if (w->address != address)
			continue;
		moved++;
		if (target == address)
			continue;
		list_del(&w->node);
		w->address = target;
		futex_queue(w);
	}
	return done + moved;
}

static u32 wake_op_result(u32 op, u32 old, u32 arg)
{
	switch (op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

/* 1 true, 0 false, -ENOSYS unknown comparison. */
static int wake_op_compares(u32 cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/*
 * FUTEX_WAKE_OP: changes the word at second, wakes waiters of address, and by the old value those of second.
 */
static long futex_wake_op(u64 address, int wake, int wake_second, u64 second, u32 encoded)
{
	u32 op = encoded >> 28 & 7, cmp = encoded >> 24 & 15, old;
	s32 op_arg = (s32)(encoded << 8) >> 20, cmp_arg = (s32)(encoded << 20) >> 20;

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		op_arg = (s32)(1u << (op_arg & 31));
	if (second % sizeof(u32))
		return -EINVAL;
	if (op > FUTEX_OP_XOR)
		return -ENOSYS;
	if (get_user_u32(&old, second) || put_user_u32(second, wake_op_result(op, old, (u32)op_arg)))
		return -EFAULT;
	int compares = wake_op_compares(cmp, (s32)old, cmp_arg);
	if (compares < 0)
		return compares;
	long woken = futex_wake(address, MAX(wake, 1), FUTEX_BITSET_MATCH_ANY);
	if (compares)
		woken += futex_wake(second, MAX(wake_second, 1), FUTEX_BITSET_MATCH_ANY);
	return woken;
}

/* The time at which op gives up; relative for FUTEX_WAIT alone. */
static int timeout_of(int op, u64 user, u64 *until)
{
	u64 ns;

	*until = DEADLINE_NONE;
	if (!user)
		return 0;
	int r = timespec_from_user(&ns, user);
	if (r)
		return r;
	*until = op == FUTEX_WAIT ? deadline_after(ns) : ns;
	return 0;
}

/* a: address, op, value, timeout or second value, second address, third value. */
long sys_futex(const u64 a[6])
{
	int op = (int)a[1] & FUTEX_CMD_MASK, r = 0;
	int clock =
		(int)a[1] & FUTEX_CLOCK_REALTIME || op == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	u32 value = (u32)a[2], expect = (u32)a[5];
	u64 until = DEADLINE_NONE;

	if (a[0] % sizeof(u32))
		return -EINVAL;
	if ((a[1] & FUTEX_CLOCK_REALTIME) && op != FUTEX_WAIT_BITSET && op != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2)
		r = timeout_of(op, a[3], &until);
	if (r)
		return r;
	switch (op) {
	case FUTEX_WAIT:
		return futex_wait(a[0], value, FUTEX_BITSET_MATCH_ANY, CLOCK_MONOTONIC, until);
	case FUTEX_WAIT_BITSET:
		return futex_wait(a[0], value, expect, clock, until);
	case FUTEX_WAKE:
		return futex_wake(a[0], MAX((int)value, 1), FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return expect ? futex_wake(a[0], MAX((int)value, 1), expect) : -EINVAL;
	case FUTEX_REQUEUE:
		return futex_requeue(a[0], (int)value, (int)a[3], a[4], NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(a[0], (int)value, (int)a[3], a[4], &expect);
	case FUTEX_WAKE_OP:
		return futex_wake_op(a[0], (int)value, (int)a[3], a[4], expect);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(a[0], false, clock, until);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(a[0], true, clock, DEADLINE_NONE);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(a[0]);
	default: /* FUTEX_FD is gone from Linux; the requeueing of PI futexes is not supported */
		return -ENOSYS;
	}
}
