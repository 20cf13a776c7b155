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

#include "../abi/layout.h"
#include "base.h"

/* However long that takes: the limit of time alone would count against who has not had the core. */
#define ATTEMPTS_MIN 100
/* How long it runs in between: doubled from the first to the last, then from the first again, out of step with any loop. */
#define RUN_FIRST_NS 4000
#define RUN_LAST_NS 500000
/* A read of the clock is over sooner. */
#define STEPS_MAX 2000

/* Linux's internal results of an interrupted call (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SYSCALL_INSTRUCTION_BYTES 2

/* Selectors of a 64-bit program; the others are 0. rt_sigreturn(2) could not restore any else. */
#define USER_CS 0x33
#define USER_SS 0x2b
#define FLAG_TRAP 0x100ul

struct stopping {
	struct tracee *t;
	const struct libos_header *libos;
	bool stepped; /* by the last resume */
	unsigned steps;
	long run_ns;
};

enum place {
	PLACE_GOOD,
	PLACE_CLOCK, /* it holds what it has read of the host's clock, which the next deploy may find set otherwise */
	PLACE_PASSING,
};

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

static int resume(struct stopping *s, int request)
{
	s->stepped = request == PTRACE_SINGLESTEP;
	return ptrace(request, s->t->pid, NULL, (void *)(long)s->t->signal) < 0 ? -errno : 0;
}

static int interrupt(const struct tracee *t)
{
	return ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) < 0 ? -errno : 0;
}

/* One that is blocked would not come, however long it is waited for. */
static bool is_blocked(const struct tracee *t, int signal)
{
	uint64_t blocked;

	return ptrace(PTRACE_GETSIGMASK, t->pid, (void *)sizeof blocked, &blocked) == 0 && signal > 0 &&
	       signal < _NSIG && blocked >> (signal - 1) & 1;
}

/*
 * A signal that the kernel holds for the thread tells of a fault or a system call of its own: no part of its memory
 * yet. The alarm, which is for the process, is none of these, and armed anew by each deploy.
 */
static bool fault_pending(const struct tracee *t)
{
	struct __ptrace_peeksiginfo_args args = { .nr = 1 };
	siginfo_t info;

	for (; ptrace(PTRACE_PEEKSIGINFO, t->pid, &args, &info) == 1; args.off++)
		if (!is_blocked(t, info.si_signo))
			return true;
	return false;
}

/* Lets it run on with its signal, which makes a frame on its stack, and stops it again before the handler runs. */
static int deliver(struct stopping *s)
{
	int error = interrupt(s->t);

	return error ? error : resume(s, PTRACE_CONT);
}

static int run_a_little(struct stopping *s)
{
	struct timespec pause = { .tv_nsec = s->run_ns };
	int error = resume(s, PTRACE_CONT);

	s->run_ns = s->run_ns * 2 > RUN_LAST_NS ? RUN_FIRST_NS : s->run_ns * 2;
	if (error)
		return error;
	nanosleep(&pause, NULL);
	return interrupt(s->t);
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

static bool within(uint64_t addr, uint64_t start, uint64_t end)
{
	return addr >= start && addr < end;
}

static enum place place_of(const struct stopping *s)
{
	const struct user_regs_struct *r = &s->t->regs;
	const struct libos_header *h = s->libos;

	if (within(r->rsp, h->altstack_base, h->altstack_base + h->altstack_bytes) ||
	    within(r->rsp, UC_SCRATCH_BASE, UC_SCRATCH_END))
		return PLACE_PASSING;
	if (r->cs != USER_CS || r->ss != USER_SS || r->ds || r->es || r->fs || r->gs)
		return PLACE_PASSING;
	if (within(r->rip, UC_VDSO_BASE, UC_VDSO_END) || within(r->rip, h->clock_start, h->clock_end))
		return PLACE_CLOCK;
	return PLACE_GOOD;
}

/* The trap that ends a step of ours. A guest that steps itself is not stepped. */
static bool is_step(const struct stopping *s)
{
	return s->stepped && WSTOPSIG(s->t->status) == SIGTRAP && s->t->status >> 16 == 0;
}

/* Drives the process to the next stop that may serve; 1 when it stands there. */
static int advance(struct stopping *s)
{
	struct tracee *t = s->t;
	size_t got;
	int error;

	t->signal = is_event_stop(t->status) || is_step(s) ? 0 : WSTOPSIG(t->status);
	if (t->signal && t->signal != SIGALRM)
		return deliver(s);
	if (fault_pending(t))
		return resume(s, PTRACE_CONT);
	error = read_set(t->pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
	if (error)
		return error;
	switch (place_of(s)) {
	case PLACE_GOOD:
		return 1;
	case PLACE_CLOCK:
		if (!t->signal && !(t->regs.eflags & FLAG_TRAP) && s->steps++ < STEPS_MAX)
			return resume(s, PTRACE_SINGLESTEP);
		break;
	case PLACE_PASSING:
		break;
	}
	return run_a_little(s);
}

/* 1 when it stands at a good place, 0 when it came to none, or -errno. */
static int settle(struct stopping *s)
{
	uint64_t end = now_ns() + TRACEE_LIMIT_NS;
	int r = interrupt(s->t);

	for (unsigned i = 0; !r && (i < ATTEMPTS_MIN || s->stepped || now_ns() < end); i++) {
		r = next_stop(s->t);
		if (!r)
			r = advance(s);
	}
	return r;
}

int tracee_stop(struct tracee *t, pid_t pid, const struct libos_header *libos)
{
	struct stopping s = { .t = t, .libos = libos, .run_ns = RUN_FIRST_NS };
	size_t got = 0;
	int r;

	memset(t, 0, offsetof(struct tracee, xstate));
	t->pid = pid;
	/* A process on its way out may not be traced any more: EPERM. */
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return errno == EPERM ? -ESRCH : -errno;
	r = settle(&s);
	if (r == 1) {
		r = read_set(pid, NT_X86_XSTATE, t->xstate, sizeof t->xstate, &got);
		t->xstate_bytes = (uint32_t)got;
		restart_call(&t->regs);
		if (r)
			tracee_detach(t);
		return r;
	}
	if (t->ended)
		return -ESRCH;
	/* PTRACE_DETACH needs a stop, which the last attempt has asked for. */
	if (!r && next_stop(t) == 0) {
		t->signal = is_event_stop(t->status) || is_step(&s) ? 0 : WSTOPSIG(t->status);
		tracee_detach(t);
	}
	if (t->ended)
		return -ESRCH;
	return r ? r : -EAGAIN;
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

	memset(t, 0, offsetof(struct tracee, xstate));
	t->pid = pid;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return errno == EPERM ? -ESRCH : -errno;
	error = interrupt(t);
	if (!error)
		error = next_stop(t);
	if (error)
		return error;
	t->signal = is_event_stop(t->status) ? 0 : WSTOPSIG(t->status);
	error = read_set(pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
	if (!error && (t->signal || any_pending(t, 0) || any_pending(t, PTRACE_PEEKSIGINFO_SHARED)))
		error = -EBUSY;
	if (error)
		tracee_detach(t);
	else
		restart_call(&t->regs);
	return error;
}

int tracee_memory(const struct tracee *t)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/mem", t->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
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
