/* Sending signals: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo. */
#include <asm/errno.h>

#include "mm/mm.h"
#include "process/ids.h"
#include "sigstate.h"
#include "sys/calls.h"

static struct ksiginfo info_of_sender(int signo, int code)
{
	return (struct ksiginfo){
		.si_signo = signo,
		.si_code = code,
		.u.rt = { .pid = process_id(), .uid = UC_UID },
	};
}

static bool valid_signal(int signo)
{
	return signo >= 0 && signo <= NSIG;
}

/* kill(2). The UC is one process, alone in its group and session. */
long sys_kill(const u64 a[6])
{
	int pid = (int)a[0], signo = (int)a[1];

	if (!valid_signal(signo))
		return -EINVAL;
	if (pid == -1 || pid == INT32_MIN) /* everyone but init and the caller: nobody */
		return -ESRCH;
	if (pid < -1 ? !is_process_id(-pid) : pid != 0 && !thread_by_id(pid))
		return -ESRCH;
	struct ksiginfo info = info_of_sender(signo, SI_USER);
	return signo ? sig_send(NULL, signo, &info) : 0;
}

static long send_to_thread(int tgid, int tid, int signo, const struct ksiginfo *info)
{
	if (!valid_signal(signo))
		return -EINVAL;
	struct thread *t = thread_by_id(tid);
	if (!t || (tgid && !is_process_id(tgid)))
		return -ESRCH;
	return signo ? sig_send(t, signo, info) : 0;
}

/* tkill(2) */
long sys_tkill(const u64 a[6])
{
	struct ksiginfo info = info_of_sender((int)a[1], SI_TKILL);

	if ((int)a[0] <= 0)
		return -EINVAL;
	return send_to_thread(0, (int)a[0], (int)a[1], &info);
}

/* tgkill(2) */
long sys_tgkill(const u64 a[6])
{
	struct ksiginfo info = info_of_sender((int)a[2], SI_TKILL);

	if ((int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	return send_to_thread((int)a[0], (int)a[1], (int)a[2], &info);
}

/* sigqueue(3): the receiver being the caller, every si_code is allowed. a: pid, signo, siginfo. */
long sys_rt_sigqueueinfo(const u64 a[6])
{
	struct ksiginfo info;

	if (copy_from_user(&info, a[2], sizeof(info)))
		return -EFAULT;
	info.si_signo = (int)a[1];
	if (!valid_signal(info.si_signo))
		return -EINVAL;
	if (!thread_by_id((int)a[0]) || (int)a[0] <= 0)
		return -ESRCH;
	return info.si_signo ? sig_send(NULL, info.si_signo, &info) : 0;
}

/* pthread_sigqueue(3). a: tgid, tid, signo, siginfo. */
long sys_rt_tgsigqueueinfo(const u64 a[6])
{
	struct ksiginfo info;

	if (copy_from_user(&info, a[3], sizeof(info)))
		return -EFAULT;
	info.si_signo = (int)a[2];
	if ((int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	return send_to_thread((int)a[0], (int)a[1], info.si_signo, &info);
}
