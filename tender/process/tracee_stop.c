/* A stop where memory and registers alone describe the process. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "abi/layout.h"
#include "abi/libos.h"
#include "base/base.h"
#include "loop/operation.h"
#include "process/tracee.h"
#include "process/tracee_steps.h"

/* Each lets the process run on a little. */
#define ATTEMPTS_MAX 400
/*
 * How long it runs in between: doubled from the first to the last, then from the first again, out of step
 * with any loop.
 */
#define RUN_FIRST_NS 4000
#define RUN_LAST_NS 500000
#define PAUSE_LAST_NS 2000000
/* A read of the clock is over sooner, and so is the way off the alternate stack. */
#define STEPS_MAX 4000
/* Fewer say nothing of a process. */
#define BRIEF_ATTEMPTS 8
/* Attempts that have come to nothing: the process has a signal each time before it can be interrupted. */
#define ATTEMPTS_BEFORE_STEPS 16

/* Selectors of a 64-bit program; the others are 0. rt_sigreturn(2) could not restore any else. */
#define USER_CS 0x33
#define USER_SS 0x2b
#define FLAG_TRAP 0x100ul

struct stopping {
	struct tracee *t;
	const struct libos_header *libos;
	bool stepped; /* by the last resume */
	unsigned attempts, steps;
	enum tracee_patience patience;
	uint64_t run_ns;
	uint64_t end_ns;
	uint64_t used_ns; /* of the tender's time, at its begin */
	bool prolonged;
};

enum place {
	PLACE_GOOD,
	PLACE_CLOCK, /* it holds what it has read of the host's clock, which the next deploy may find set
	                otherwise */
	PLACE_PASSING,
};

static int resume(struct stopping *s, int request)
{
	s->stepped = request == PTRACE_SINGLESTEP;
	return ptrace(request, s->t->pid, NULL, (void *)(long)s->t->signal) < 0 ? -errno : 0;
}

/* One that is blocked would not come, however long it is waited for. */
static bool is_blocked(const struct tracee *t, int signal)
{
	uint64_t blocked;

	return ptrace(PTRACE_GETSIGMASK, t->pid, (void *)sizeof blocked, &blocked) == 0 && signal > 0 &&
	       signal < _NSIG && blocked >> (signal - 1) & 1;
}

/*
 * A signal that the kernel holds for the thread tells of a fault or a system call of its own: no part of its
 * memory yet. The alarm, which is for the process, is none of these, and armed anew by each deploy.
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

/*
 * Lets it run on with its signal, which makes a frame on its stack, and stops it again before the handler
 * runs.
 */
static int deliver(struct stopping *s)
{
	int error = tracee_interrupt(s->t);

	return error ? error : resume(s, PTRACE_CONT);
}

/* It has ended, or stands still already, by a signal. */
static bool has_stopped(const struct tracee *t)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)t->pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 ||
	       info.si_pid;
}

/*
 * On a busy core others may go first: it is the process's own time that counts, or it would be stopped where
 * it was.
 */
static int run_a_little(struct stopping *s)
{
	uint64_t until = process_cpu_ns(s->t->pid) + s->run_ns, pause_ns = s->run_ns;
	int error = resume(s, PTRACE_CONT);

	s->run_ns = s->run_ns * 2 > RUN_LAST_NS ? RUN_FIRST_NS : s->run_ns * 2;
	if (error)
		return error;
	do {
		error = operation_sleep(pause_ns);
		if (pause_ns < PAUSE_LAST_NS)
			pause_ns *= 2;
		if (has_stopped(s->t))
			return 0;
	} while (!error && process_cpu_ns(s->t->pid) < until && now_ns() < s->end_ns);
	return tracee_interrupt(s->t);
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

/*
 * A fault that its instruction makes again, whoever carries it out; and so does the system call that the
 * filter has turned into SIGSYS. What comes from the kernel's own need (SI_KERNEL) is not of that kind, nor
 * is a trap.
 */
static bool comes_again(const struct tracee *t)
{
	siginfo_t info;

	switch (t->signal) {
	case SIGSYS:
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
		return ptrace(PTRACE_GETSIGINFO, t->pid, NULL, &info) == 0 && info.si_code > 0 &&
		       info.si_code != SI_KERNEL;
	default:
		return false;
	}
}

/* The trap that ends a step of ours. A guest that steps itself is not stepped. */
static bool is_step(const struct stopping *s)
{
	return s->stepped && WSTOPSIG(s->t->status) == SIGTRAP && s->t->status >> 16 == 0;
}

/* From a place that will not do. */
static int move_on(struct stopping *s, enum place place)
{
	bool step = place == PLACE_CLOCK || s->attempts > ATTEMPTS_BEFORE_STEPS;

	if (s->t->signal && s->t->signal != SIGALRM)
		return deliver(s);
	if (step && !s->t->signal && !(s->t->regs.eflags & FLAG_TRAP) && s->steps++ < STEPS_MAX)
		return resume(s, PTRACE_SINGLESTEP);
	return run_a_little(s);
}

/* Drives the process to the next stop that may serve; 1 when it stands there. */
static int advance(struct stopping *s)
{
	struct tracee *t = s->t;
	enum place place;
	size_t got;
	int error;

	t->signal = tracee_is_event_stop(t->status) || is_step(s) ? 0 : WSTOPSIG(t->status);
	s->attempts += !s->stepped;
	if (t->signal && t->signal != SIGALRM && !comes_again(t))
		return deliver(s);
	if (fault_pending(t))
		return resume(s, PTRACE_CONT);
	error = tracee_read_set(t->pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
	if (error)
		return error;
	place = place_of(s);
	return place == PLACE_GOOD ? 1 : move_on(s, place);
}

/* A host that stands still itself uses the time up in a few attempts: then it is given once more. */
static bool in_time(struct stopping *s)
{
	uint64_t now = now_ns();

	/* Not so if the tender itself did not get the processor in that time. */
	if (s->patience == TRACEE_BRIEFLY && operation_used_ns() - s->used_ns >= TRACEE_BRIEF_NS &&
	    s->attempts + s->steps >= BRIEF_ATTEMPTS)
		return false;
	if (now < s->end_ns)
		return true;
	if (s->prolonged || s->attempts > ATTEMPTS_BEFORE_STEPS)
		return false;
	s->prolonged = true;
	s->end_ns = now + TRACEE_LIMIT_NS;
	return true;
}

/* 1 when it stands at a good place, 0 when it came to none, or -errno. */
static int settle(struct stopping *s)
{
	int r = tracee_interrupt(s->t);

	while (!r && s->attempts < ATTEMPTS_MAX && in_time(s)) {
		r = tracee_next_stop(s->t);
		if (!r)
			r = advance(s);
		if (!r && operation_pause_if_due())
			break;
	}
	return r;
}

int tracee_stop(struct tracee *t, pid_t pid, const struct libos_header *libos, enum tracee_patience patience)
{
	struct stopping s = {
		.t = t,
		.libos = libos,
		.patience = patience,
		.run_ns = RUN_FIRST_NS,
		.end_ns = now_ns() + TRACEE_LIMIT_NS,
		.used_ns = operation_used_ns(),
	};
	size_t got = 0;
	int r;

	r = tracee_seize(t, pid);
	if (r)
		return r;
	r = settle(&s);
	if (r == 1) {
		r = tracee_read_set(pid, NT_X86_XSTATE, t->xstate, sizeof t->xstate, &got);
		t->xstate_bytes = (uint32_t)got;
		tracee_restart_call(&t->regs, t->signal);
		if (r)
			tracee_detach(t);
		return r;
	}
	if (t->ended)
		return -ESRCH;
	/* PTRACE_DETACH needs a stop, which the last attempt has asked for. */
	if (!r) {
		r = tracee_next_stop(t);
		if (r)
			return r;
		t->signal = tracee_is_event_stop(t->status) || is_step(&s) ? 0 : WSTOPSIG(t->status);
		tracee_detach(t);
	}
	return r ? r : -EAGAIN;
}
