#include "process/tracee.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "loop/operation.h"
#include "process/tracee_steps.h"

/*
 * The host kernel may work for a guest for long, and does not stop it before it is done: munmap(2) of much
 * memory takes most of a second. One that has had that much of the processor since it was to stop, or as long
 * as this if it gets none, ends.
 */
#define STOP_LIMIT_NS 1000000000ull
#define STOP_LIMIT_ASLEEP_NS 10000000000ull

/* Linux's internal results of an interrupted call (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SYSCALL_INSTRUCTION_BYTES 2

/* It has had all the time that a stop can take. */
static bool is_late(const struct tracee *t, uint64_t begin_ns, uint64_t begin_cpu_ns)
{
	uint64_t waited = now_ns() - begin_ns;

	return waited >= STOP_LIMIT_NS &&
	       (waited >= STOP_LIMIT_ASLEEP_NS || process_cpu_ns(t->pid) - begin_cpu_ns >= STOP_LIMIT_NS / 2);
}

int tracee_next_stop(struct tracee *t)
{
	uint64_t begin = 0, cpu = 0;

	for (;;) {
		pid_t pid = wait4(t->pid, &t->status, __WALL | WNOHANG, &t->usage);

		if (pid < 0 && errno != EINTR)
			return -errno;
		if (pid > 0 && WIFSTOPPED(t->status))
			return 0;
		if (pid > 0 && (WIFEXITED(t->status) || WIFSIGNALED(t->status))) {
			t->ended = true;
			return -ESRCH;
		}
		if (!begin) {
			begin = now_ns();
			cpu = process_cpu_ns(t->pid);
		}
		/* One that is no longer wanted stopped has to come to a stop nevertheless, to be let go. */
		if (!pid && operation_await_child() == -ESRCH)
			return -ESRCH;
		if (!pid && is_late(t, begin, cpu))
			return -ETIMEDOUT;
	}
}

int tracee_seize(struct tracee *t, pid_t pid)
{
	memset(t, 0, offsetof(struct tracee, xstate));
	t->pid = pid;
	/* A process on its way out may not be traced any more: EPERM. */
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return errno == EPERM ? -ESRCH : -errno;
	return 0;
}

bool tracee_is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

int tracee_interrupt(const struct tracee *t)
{
	return ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) < 0 ? -errno : 0;
}

int tracee_read_set(pid_t pid, int set, void *to, size_t bytes, size_t *got)
{
	struct iovec iov = { to, bytes };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)set, &iov) < 0)
		return -errno;
	*got = iov.iov_len;
	return 0;
}

void tracee_restart_call(struct user_regs_struct *r, int signal)
{
	if (signal == SIGSYS)
		r->rip -= SYSCALL_INSTRUCTION_BYTES;
	if (signal == SIGSYS || (long)r->orig_rax < 0)
		return;
	switch (-(long)r->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		r->rax = r->orig_rax;
		r->rip -= SYSCALL_INSTRUCTION_BYTES;
		break;
	case ERESTART_RESTARTBLOCK:
		r->rax = (unsigned long)-EINTR;
		break;
	}
}

static bool any_pending(const struct tracee *t, unsigned flags)
{
	struct __ptrace_peeksiginfo_args args = { .flags = flags, .nr = 1 };
	siginfo_t info;

	return ptrace(PTRACE_PEEKSIGINFO, t->pid, &args, &info) != 0;
}

int tracee_stop_asleep(struct tracee *t, pid_t pid)
{
	size_t got;
	int error;

	error = tracee_seize(t, pid);
	if (!error)
		error = tracee_interrupt(t);
	if (!error)
		error = tracee_next_stop(t);
	if (error)
		return error;
	t->signal = tracee_is_event_stop(t->status) ? 0 : WSTOPSIG(t->status);
	error = tracee_read_set(pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
	if (!error && (t->signal || any_pending(t, 0) || any_pending(t, PTRACE_PEEKSIGINFO_SHARED)))
		error = -EBUSY;
	if (error)
		tracee_detach(t);
	else
		tracee_restart_call(&t->regs, t->signal);
	return error;
}

int tracee_redirect(const struct tracee *t, const struct user_regs_struct *regs, uint64_t mask)
{
	if (ptrace(PTRACE_SETSIGMASK, t->pid, (void *)sizeof mask, &mask) < 0 ||
	    ptrace(PTRACE_SETREGS, t->pid, NULL, (void *)regs) < 0)
		return -errno;
	return 0;
}

void tracee_detach(const struct tracee *t)
{
	ptrace(PTRACE_DETACH, t->pid, NULL, (void *)(long)t->signal);
}
