/* Robust futexes: set_robust_list(2), and what happens to held ones when their owner ends. */
#include <asm/errno.h>
#include <linux/futex.h>

#include "futex.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "sys/calls.h"

#define PI_BIT 1ul /* of a list pointer: the entry is a PI futex */

/* a: head, its size. */
long sys_set_robust_list(const u64 a[6])
{
	if (a[1] != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = a[0];
	current->robust_list_len = a[1];
	return 0;
}

/* a: thread id or 0, where to put the head, where to put its size. */
long sys_get_robust_list(const u64 a[6])
{
	const struct thread *t = thread_by_id_or_self((int)a[0]);

	if (!t)
		return -ESRCH;
	if (put_user_u64(a[2], sizeof(struct robust_list_head)) || put_user_u64(a[1], t->robust_list))
		return -EFAULT;
	return 0;
}

/* The thread that owned the futex ends. pending: it was about to lock or unlock it. */
static void release_futex(u64 address, bool pi, bool pending)
{
	u32 value;

	if (address % sizeof(u32) || get_user_u32(&value, address))
		return;
	u32 owner = value & FUTEX_TID_MASK;
	if (pending && !pi && !owner) {
		futex_wake(address, 1, FUTEX_BITSET_MATCH_ANY);
		return;
	}
	if (owner != (u32)current->tid)
		return;
	if (pi) {
		futex_pi_owner_died(address);
		return;
	}
	if (put_user_u32(address, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
		return;
	if (value & FUTEX_WAITERS)
		futex_wake(address, 1, FUTEX_BITSET_MATCH_ANY);
}

void robust_list_exit(void)
{
	struct robust_list_head head;
	u64 start = current->robust_list, entry, next;

	if (!start || copy_from_user(&head, start, sizeof(head)))
		return;
	u64 pending = (u64)head.list_op_pending;
	entry = (u64)head.list.next;
	for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~PI_BIT) != start; i++) {
		/* Read the link first: the futex may be freed as soon as it is released. */
		bool linked = !get_user_u64(&next, entry & ~PI_BIT);
		if (entry != pending)
			release_futex((entry & ~PI_BIT) + (u64)head.futex_offset, entry & PI_BIT, false);
		if (!linked)
			break;
		entry = next;
	}
	if (pending)
		release_futex((pending & ~PI_BIT) + (u64)head.futex_offset, pending & PI_BIT, true);
}
