/* New threads: clone(2). There is one process, so fork and vfork are refused. */
#include <asm/errno.h>
#include <linux/sched.h>

#include "arch/arch.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "signal/signal.h"
#include "sys/calls.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define OTHER_FLAGS                                                                                       \
	(CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | \
	 CLONE_DETACHED | CLONE_UNTRACED | CLONE_IO | CLONE_PTRACE)
/* Linux's PID_MAX_LIMIT. The upper half is for threads, so that no later process id is an older thread's. */
#define TID_LIMIT 4194304
#define TID_FIRST (TID_LIMIT / 2)
/* Of one UC: each has a stack in the library OS's heap. */
#define THREADS_MAX 8192

/*
 * As Linux answers a process whose security policy forbids it to fork: EAGAIN would make shells try
 * again, and of ENOSYS Node.js makes an exception where it reports this as an error event.
 */
#define NO_PROCESS (-EACCES)

static int last_tid = TID_FIRST;

/* The next free thread id; ids are not reused soon. */
static int new_tid(void)
{
	do
		last_tid = last_tid + 1 < TID_LIMIT ? last_tid + 1 : TID_FIRST;
	while (thread_by_id(last_tid));
	return last_tid;
}

static struct thread *thread_like_current(u64 stack, u64 fs_base)
{
	struct trapframe tf = *current->tf;

	tf.rax = 0;
	tf.orig_rax = ~0ull;
	if (stack)
		tf.rsp = stack;
	struct thread *t = thread_create(&tf, fs_base);
	if (!t)
		return NULL;
	t->tid = new_tid();
	t->gs_base = arch_gs_base();
	t->fast_return = current->fast_return;
	memcpy(t->comm, current->comm, sizeof(t->comm));
	arch_xstate_save(current);
	memcpy(t->xstate, current->xstate, arch_xstate_bytes);
	signal_thread_init(t);
	return t;
}

/* a: flags, stack, parent's tid address, child's tid address, TLS. */
long sys_clone(const u64 a[6])
{
	u64 flags = a[0] & ~(u64)CSIGNAL;

	if (!(flags & CLONE_THREAD))
		return NO_PROCESS;
	if ((flags & THREAD_FLAGS) != THREAD_FLAGS || (flags & ~(u64)(THREAD_FLAGS | OTHER_FLAGS)))
		return -EINVAL;
	if (thread_count >= THREADS_MAX)
		return -EAGAIN;
	struct thread *t = thread_like_current(a[1], flags & CLONE_SETTLS ? a[4] : arch_fs_base());
	if (!t)
		return -EAGAIN;
	/* Linux ignores a fault at either address, too. */
	if (flags & CLONE_PARENT_SETTID)
		(void)put_user_u32(a[2], (u32)t->tid);
	if (flags & CLONE_CHILD_SETTID)
		(void)put_user_u32(a[3], (u32)t->tid);
	if (flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a[3];
	int tid = t->tid;
	sched_wake(t);
	return tid;
}

/* A C library falls back on clone(2). */
long sys_clone3(const u64 a[6])
{
	(void)a;
	return -ENOSYS;
}

long sys_fork(const u64 a[6])
{
	(void)a;
	return NO_PROCESS;
}

long sys_vfork(const u64 a[6])
{
	(void)a;
	return NO_PROCESS;
}

/* a: address. Returns the thread id. */
long sys_set_tid_address(const u64 a[6])
{
	current->clear_child_tid = a[0];
	return current->tid;
}
