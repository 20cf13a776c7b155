/* The end of a thread and of the process; children, which there never are. */
#include <asm/errno.h>
#include <linux/futex.h>

#include "futex.h"
#include "include/upcalls.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "signal/signal.h"
#include "sys/calls.h"
#include "time/clocks.h"

/* what the main thread ended with: the process's status if the last thread just exits */
static u32 main_status;

/* Joins wait for the tid word to become 0. */
static void tell_joiner(void)
{
	if (!current->clear_child_tid)
		return;
	if (!put_user_u32(current->clear_child_tid, 0))
		futex_wake(current->clear_child_tid, 1, FUTEX_BITSET_MATCH_ANY);
}

/* _exit(2) of one thread. */
long sys_exit(const u64 a[6])
{
	u32 status = (u32)a[0] & 0xff;

	if (is_main_thread(current))
		main_status = status;
	if (thread_count == 1)
		uc_exit(main_status, 0);
	robust_list_exit();
	futex_pi_exit();
	tell_joiner();
	signal_thread_exit(current);
	cpu_time_inherit(current);
	thread_exit();
}

/* exit_group(2) */
long sys_exit_group(const u64 a[6])
{
	uc_exit((u32)a[0] & 0xff, 0);
}

/* wait4(2), waitid(2): there are no children. */
long sys_wait4(const u64 a[6])
{
	(void)a;
	return -ECHILD;
}

long sys_waitid(const u64 a[6])
{
	(void)a;
	return -ECHILD;
}
