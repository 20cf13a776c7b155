/* Process, thread and user ids. */
#include <asm/errno.h>

#include "host/link.h"
#include "ids.h"
#include "mm/mm.h"
#include "sys/calls.h"

#define PARENT_PID 1
#define KEEP_ID (~0u) /* setresuid(2) etc.: leave as it is */

/* The main thread is the first of the list until it ends, which exit.c tells. */
static int main_tid;

static int main_thread_id(void)
{
	if (!main_tid)
		main_tid = list_entry(threads.next, struct thread, all)->tid;
	return main_tid;
}

bool is_main_thread(const struct thread *t)
{
	return t->tid == main_thread_id();
}

int process_id(void)
{
	return (int)uc_identity.pid;
}

bool is_process_id(int id)
{
	return id == process_id() || id == main_thread_id();
}

struct thread *thread_by_id(int id)
{
	struct thread *t = thread_find(id);

	return t || id != process_id() ? t : thread_find(main_thread_id());
}

struct thread *thread_by_id_or_self(int id)
{
	return id ? thread_by_id(id) : current;
}

long sys_getpid(const u64 a[6])
{
	(void)a;
	return process_id();
}

long sys_getppid(const u64 a[6])
{
	(void)a;
	return PARENT_PID;
}

long sys_gettid(const u64 a[6])
{
	(void)a;
	return current->tid;
}

/* The process leads its own group and session, and there are no others. */
static long own_group(int pid)
{
	return pid == 0 || thread_by_id(pid) ? process_id() : -ESRCH;
}

long sys_getpgrp(const u64 a[6])
{
	(void)a;
	return process_id();
}

long sys_getpgid(const u64 a[6])
{
	return own_group((int)a[0]);
}

long sys_getsid(const u64 a[6])
{
	return own_group((int)a[0]);
}

/* setsid(2), setpgid(2): a session leader stays what it is. */
long sys_setsid(const u64 a[6])
{
	(void)a;
	return -EPERM;
}

long sys_setpgid(const u64 a[6])
{
	if ((int)a[1] < 0)
		return -EINVAL;
	return own_group((int)a[0]) < 0 ? -ESRCH : -EPERM;
}

long sys_getuid(const u64 a[6])
{
	(void)a;
	return UC_UID;
}

long sys_geteuid(const u64 a[6])
{
	return sys_getuid(a);
}

long sys_getgid(const u64 a[6])
{
	(void)a;
	return UC_GID;
}

long sys_getegid(const u64 a[6])
{
	return sys_getgid(a);
}

static long put_three(const u64 a[6], u32 id)
{
	for (int i = 0; i < 3; i++) {
		if (put_user_u32(a[i], id))
			return -EFAULT;
	}
	return 0;
}

long sys_getresuid(const u64 a[6])
{
	return put_three(a, UC_UID);
}

long sys_getresgid(const u64 a[6])
{
	return put_three(a, UC_GID);
}

/* An ordinary user may only become who it is. */
static long become(const u64 a[6], int count, u32 id, bool may_keep)
{
	for (int i = 0; i < count; i++) {
		u32 wanted = (u32)a[i];
		if (!may_keep && wanted == KEEP_ID)
			return -EINVAL;
		if (wanted != id && wanted != KEEP_ID)
			return -EPERM;
	}
	return 0;
}

long sys_setuid(const u64 a[6])
{
	return become(a, 1, UC_UID, false);
}

long sys_setgid(const u64 a[6])
{
	return become(a, 1, UC_GID, false);
}

long sys_setreuid(const u64 a[6])
{
	return become(a, 2, UC_UID, true);
}

long sys_setregid(const u64 a[6])
{
	return become(a, 2, UC_GID, true);
}

long sys_setresuid(const u64 a[6])
{
	return become(a, 3, UC_UID, true);
}

long sys_setresgid(const u64 a[6])
{
	return become(a, 3, UC_GID, true);
}

/* setfsuid(2), setfsgid(2): the old id, whether or not it changed. */
long sys_setfsuid(const u64 a[6])
{
	return sys_getuid(a);
}

long sys_setfsgid(const u64 a[6])
{
	return sys_getgid(a);
}

/* getgroups(2): the user's own group. a: room, list. */
long sys_getgroups(const u64 a[6])
{
	if ((int)a[0] < 0)
		return -EINVAL;
	if (a[0] && put_user_u32(a[1], UC_GID))
		return -EFAULT;
	return 1;
}

long sys_setgroups(const u64 a[6])
{
	(void)a;
	return -EPERM;
}
