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

#include "abi/layout.h"
#include "base/base.h"
#include "loop/operation.h"

#define ATTEMPTS_MAX 400
/* How long it runs in between: doubled from the first to the last, then from the first again, out of step with any loop. */
#define RUN_FIRST_NS 4000
#define RUN_LAST_NS 500000
#define PAUSE_LAST_NS 2000000
/* A read of the clock is over sooner, and so is the way off the alternate stack. */
#define STEPS_MAX 4000
/*
 * The host kernel may work for a guest for long, and does not stop it before it is done: munmap(2) of much memory takes most
 * of a second. One that has had that much of the processor since it was to stop, or as long as this if it gets none, ends.
 */
#define STOP_LIMIT_NS 1000000000ull
#define STOP_LIMIT_ASLEEP_NS 10000000000ull
/* Fewer say nothing of a process. */
#define BRIEF_ATTEMPTS 8
/* Attempts that have come to nothing: the process has a signal each time before it can be interrupted. */
#define ATTEMPTS_BEFORE_STEPS 16

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
	unsigned attempts, steps;
	enum tracee_patience patience;
	uint64_t run_ns;
	uint64_t end_ns;
	uint64_t used_ns; /* of the tender's time, at its begin */
	bool prolonged;
};

enum place {
	PLACE_GOOD,
	PLACE_CLOCK, /* it holds what it has read of the host's clock, which the next deploy may find set otherwise */
	PLACE_PASSING,
};

/* It has had all the time that a stop can take. */
static bool is_late(const struct tracee *t, uint64_t begin_ns, uint64_t begin_cpu_ns)
{
	uint64_t waited = now_ns() - begin_ns;

	return waited >= STOP_LIMIT_NS &&
	       (waited >= STOP_LIMIT_ASLEEP_NS || process_cpu_ns(t->pid) - begin_cpu_ns >= STOP_LIMIT_NS / 2);
}

/* Waits for the next stop; 0 or -errno: -ESRCH when it has ended, or is about to; -ETIMEDOUT. */
static int next_stop(struct tracee *t)
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

/* It has ended, or stands still already, by a signal. */
static bool has_stopped(const struct tracee *t)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)t->pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid;
}

/* On a busy core others may go first: it is the process's own time that counts, or it would be stopped where it was. */
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

/* As the kernel would have done on the way back to the interrupted call; a refused one is made again as well. */
static void restart_call(struct user_regs_struct *r, int signal)
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
 * A fault that its instruction makes again, whoever carries it out; and so does the system call that the filter has
 * turned into SIGSYS. What comes from the kernel's own need (SI_KERNEL) is not of that kind, nor is a trap.
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
		return ptrace(PTRACE_GETSIGINFO, t->pid, NULL, &info) == 0 && info.si_code > 0 && info.si_code != SI_KERNEL;
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

	t->signal = is_event_stop(t->status) || is_step(s) ? 0 : WSTOPSIG(t->status);
	s->attempts += !s->stepped;
	if (t->signal && t->signal != SIGALRM && !comes_again(t))
		return deliver(s);
	if (fault_pending(t))
		return resume(s, PTRACE_CONT);
	error = read_set(t->pid, NT_PRSTATUS, &t->regs, sizeof t->regs, &got);
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
	int r = interrupt(s->t);

	while (!r && s->attempts < ATTEMPTS_MAX && in_time(s)) {
		r = next_stop(s->t);
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

	memset(t, 0, offsetof(struct tracee, xstate));
	t->pid = pid;
	/* A process on its way out may not be traced any more: EPERM. */
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		return errno == EPERM ? -ESRCH : -errno;
	r = settle(&s);
	if (r == 1) {
		r = read_set(pid, NT_X86_XSTATE, t->xstate, sizeof t->xstate, &got);
		t->xstate_bytes = (uint32_t)got;
		restart_call(&t->regs, t->signal);
		if (r)
			tracee_detach(t);
		return r;
	}
	if (t->ended)
		return -ESRCH;
	/* PTRACE_DETACH needs a stop, which the last attempt has asked for. */
	if (!r) {
		r = next_stop(t);
		if (r)
			return r;
		t->signal = is_event_stop(t->status) || is_step(&s) ? 0 : WSTOPSIG(t->status);
		tracee_detach(t);
	}
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
		restart_call(&t->regs, t->signal);
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
