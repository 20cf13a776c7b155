#include "tracee.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/* Attempts to find the process at a good point, and how long it runs in between. */
#define ATTEMPTS_MAX 200
#define STEP_NS 50000

/* Linux's internal results of an interrupted call (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SYSCALL_INSTRUCTION_BYTES 2

/* Waits for the next stop; 0 or -ESRCH when it has ended. */
static int next_stop(struct tracee *t)
{
	for (;;) {
		if (wait4(t->pid, &t->status, __WALL, &t->usage) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (WIFSTOPPED(t->status))
			return 0;
		if (WIFEXITED(t->status) || WIFSIGNALED(t->status)) {
			t->ended = true;
			return -ESRCH;
		}
	}
}

static bool is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

static int resume(struct tracee *t, int signal)
{
	return ptrace(PTRACE_CONT, t->pid, NULL, (void *)(long)signal) < 0 ? -errno : 0;
}

static int interrupt(struct tracee *t)
{
	return ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) < 0 ? -errno : 0;
}

static bool queued(struct tracee *t, unsigned flags, uint64_t blocked)
{
	struct __ptrace_peeksiginfo_args args = { .flags = flags, .nr = 1 };
	siginfo_t info;

	for (; ptrace(PTRACE_PEEKSIGINFO, t->pid, &args, &info) == 1; args.off++)
		if (info.si_signo > 0 && info.si_signo < _NSIG && !(blocked >> (info.si_signo - 1) & 1))
			return true;
	return false;
}

/* A signal that the kernel holds for the process is no part of its memory yet. */
static bool signal_pending(struct tracee *t)
{
	uint64_t blocked = 0;

	if (ptrace(PTRACE_GETSIGMASK, t->pid, (void *)sizeof blocked, &blocked) < 0)
		blocked = 0;
	return queued(t, 0, blocked) || queued(t, PTRACE_PEEKSIGINFO_SHARED, blocked);
}

/* Lets the signal make its frame on the process's stack and stops again before its handler runs. */
static int deliver(struct tracee *t)
{
	int error = interrupt(t);

	return error ? error : resume(t, WSTOPSIG(t->status));
}

static int run_a_little(struct tracee *t)
{
	struct timespec pause = { .tv_nsec = STEP_NS };
	int error = resume(t, 0);

	if (error)
		return error;
	nanosleep(&pause, NULL);
	return interrupt(t);
}

static int read_set(pid_t pid, int set, void *to, size_t bytes, size_t *got)
{
	struct iovec iov = { to, bytes };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)set, &iov) < 0)
		return -errno;
	*got = iov.iov_len;
	return 0;
}

/* As the kernel would have done on the way back to the interrupted call. */
static void restart_call(struct user_regs_struct *r)
{
	if ((long)r->orig_rax < 0)
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

/* Drives the process to the next stop that may serve; 1 when it stands there. */
static int advance(struct tracee *t, uint64_t keep_off, uint64_t keep_off_bytes)
{
	size_t got;
	int error;

	if (!is_event_stop(t->status))
		return deliver(t);
	if (signal_pending(t))
		return resume(t, 0);
	error = read_set(t->pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
	if (error)
		return error;
	if (t->regs.rsp - keep_off < keep_off_bytes)
		return run_a_little(t);
	return 1;
}

int tracee_stop(struct tracee *t, pid_t pid, uint64_t keep_off, uint64_t keep_off_bytes)
{
	int r = 0;

	memset(t, 0, offsetof(struct tracee, xstate));
	t->pid = pid;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return -errno;
	r = interrupt(t);
	for (int i = 0; !r && i < ATTEMPTS_MAX; i++) {
		r = next_stop(t);
		if (!r)
			r = advance(t, keep_off, keep_off_bytes);
	}
	if (r == 1) {
		size_t got = 0;

		r = read_set(pid, NT_X86_XSTATE, t->xstate, sizeof t->xstate, &got);
		t->xstate_bytes = (uint32_t)got;
		restart_call(&t->regs);
		if (!r)
			return 0;
		tracee_detach(t);
		return r;
	}
	if (t->ended)
		return -ESRCH;
	/* PTRACE_DETACH needs a stop, which the last attempt has asked for. */
	if (!r && next_stop(t) == 0)
		tracee_detach(t);
	return r ? r : -EAGAIN;
}

int tracee_memory(const struct tracee *t)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/mem", t->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void tracee_detach(const struct tracee *t)
{
	int signal = is_event_stop(t->status) ? 0 : WSTOPSIG(t->status);

	ptrace(PTRACE_DETACH, t->pid, NULL, (void *)(long)signal);
}
