/* Signals: handlers, masks, pending sets, queueing, siginfo, faults, waiting. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t count, last_signo, last_code, last_value, nested_depth, max_depth;
static siginfo_t last_info;

static void on_signal(int signo)
{
	count++;
	last_signo = signo;
}

static void on_info(int signo, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last_signo = signo;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_info = *info;
}

static void install(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	sigaction(signo, &sa, NULL);
	count = last_signo = 0;
}

static void install_info(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };
	sigaction(signo, &sa, NULL);
	count = last_signo = 0;
}

static sigset_t set_of(int signo)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static void on_nested(int signo)
{
	nested_depth++;
	if (nested_depth > max_depth)
		max_depth = nested_depth;
	if (++count < 3)
		raise(signo);
	nested_depth--;
}

static void test_handlers(void)
{
	install(SIGUSR1, on_signal, 0);
	raise(SIGUSR1);
	CHECK("raise runs the handler before it returns", count == 1 && last_signo == SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK("kill of the own process runs it before it returns", count == 2);

	install(SIGUSR1, on_signal, SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction sa;
	sigaction(SIGUSR1, NULL, &sa);
	CHECK("SA_RESETHAND", count == 1 && sa.sa_handler == SIG_DFL);

	count = 0;
	install(SIGUSR1, on_nested, 0);
	raise(SIGUSR1);
	CHECK("a signal is blocked in its own handler", count == 3 && max_depth == 1);
	max_depth = 0;
	install(SIGUSR1, on_nested, SA_NODEFER);
	raise(SIGUSR1);
	CHECK("SA_NODEFER nests", count == 3 && max_depth == 3);

	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	CHECK("SIG_IGN drops", count == 3);
	signal(SIGCHLD, SIG_DFL);
	raise(SIGCHLD);
	CHECK("SIGCHLD is ignored by default", 1);
	struct sigaction none = { .sa_handler = SIG_IGN };
	CHECK("SIGKILL cannot be caught", FAILS(sigaction(SIGKILL, &none, NULL), EINVAL));
	CHECK("signal 65 does not exist", FAILS(kill(getpid(), 65), EINVAL));
	CHECK("kill 0 probes", kill(getpid(), 0) == 0 && FAILS(kill(4000000, 0), ESRCH));
}

static void test_masks(void)
{
	sigset_t usr1 = set_of(SIGUSR1), old, pending;
	install(SIGUSR1, on_signal, 0);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigpending(&pending);
	CHECK("a blocked signal pends", count == 0 && sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK("a standard signal pends once", count == 1);

	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	CHECK("SIG_IGN discards what pends", !sigismember(&pending, SIGUSR1));
	install(SIGUSR1, on_signal, 0);

	raise(SIGUSR1);
	sigset_t none;
	sigemptyset(&none);
	int r = sigsuspend(&none);
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK("sigsuspend lets it through", r == -1 && count == 1);
	CHECK("sigsuspend restores the mask", sigismember(&now, SIGUSR1));

	sigset_t everything;
	sigfillset(&everything);
	sigprocmask(SIG_SETMASK, &everything, NULL);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK("SIGKILL and SIGSTOP stay open", !sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
	sigprocmask(SIG_SETMASK, &none, NULL);
	CHECK("bad how", FAILS(sigprocmask(77, &none, NULL), EINVAL));
}

static int order[8], order_count;

static void on_order(int signo, siginfo_t *info, void *context)
{
	(void)context;
	order[order_count++] = signo * 100 + info->si_value.sival_int;
}

static void test_queue(void)
{
	sigset_t both, old;
	sigemptyset(&both);
	sigaddset(&both, SIGRTMIN + 1);
	sigaddset(&both, SIGRTMIN + 2);
	struct sigaction sa = { .sa_sigaction = on_order, .sa_flags = SA_SIGINFO, .sa_mask = both };
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigaction(SIGRTMIN + 2, &sa, NULL);
	sigprocmask(SIG_BLOCK, &both, &old);
	for (int i = 0; i < 2; i++) {
		sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = i });
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i });
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	/*
	 * All frames are stacked before the first handler runs, unless the mask forbids: it does, so they
	 * come one by one.
	 */
	CHECK("real-time signals queue by number, then in order",
	      order_count == 4 && order[0] == (SIGRTMIN + 1) * 100 && order[1] == (SIGRTMIN + 1) * 100 + 1 &&
		      order[2] == (SIGRTMIN + 2) * 100 && order[3] == (SIGRTMIN + 2) * 100 + 1);

	install_info(SIGUSR2, on_info, 0);
	sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 42 });
	CHECK("sigqueue carries a value", last_value == 42 && last_code == SI_QUEUE);
	raise(SIGUSR2);
	CHECK("raise says SI_TKILL", last_code == SI_TKILL && last_info.si_pid == getpid());
	kill(getpid(), SIGUSR2);
	CHECK("kill says SI_USER", last_code == SI_USER && last_info.si_uid == getuid());
}

static void test_wait(void)
{
	sigset_t usr1 = set_of(SIGUSR1), old;
	siginfo_t info;
	struct timespec zero = { 0, 0 }, short_time = { 0, 20000000 };
	sigprocmask(SIG_BLOCK, &usr1, &old);
	CHECK("sigtimedwait polls", FAILS(sigtimedwait(&usr1, &info, &zero), EAGAIN));
	CHECK("sigtimedwait times out", FAILS(sigtimedwait(&usr1, &info, &short_time), EAGAIN));
	raise(SIGUSR1);
	CHECK("sigtimedwait takes", sigtimedwait(&usr1, &info, &zero) == SIGUSR1 && info.si_signo == SIGUSR1);
	signal(SIGCHLD, SIG_DFL);
	sigset_t chld = set_of(SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	raise(SIGCHLD);
	CHECK("a blocked signal that is ignored can be waited for", sigwaitinfo(&chld, &info) == SIGCHLD);
	timer_t timer;
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec soon = { .it_value = { 0, 10000000 } };
	install(SIGUSR2, on_signal, SA_RESTART);
	timer_create(CLOCK_MONOTONIC, &e, &timer);
	timer_settime(timer, 0, &soon, NULL);
	CHECK("another signal ends sigwaitinfo", FAILS(sigwaitinfo(&usr1, &info), EINTR) && count == 1);
	timer_delete(timer);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static sigjmp_buf jump;
static volatile unsigned long fault_address, fault_rip;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	last_signo = signo;
	last_code = info->si_code;
	fault_address = (unsigned long)info->si_addr;
	fault_rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	siglongjmp(jump, 1);
}

static int faults_with(int signo, void (*what)(void *), void *arg)
{
	install_info(signo, on_fault, 0);
	if (sigsetjmp(jump, 1))
		return last_signo == signo;
	what(arg);
	return 0;
}

static void read_it(void *arg)
{
	(void)*(volatile char *)arg;
}

static void write_it(void *arg)
{
	*(volatile char *)arg = 1;
}

static void divide(void *arg)
{
	int zero = *(volatile int *)arg, one = 1;
	__asm__ volatile("cltd; idivl %1" : "+a"(one) : "r"(zero) : "edx");
}

static void illegal(void *arg)
{
	(void)arg;
	__asm__ volatile("ud2");
}

static void trap(void *arg)
{
	(void)arg;
	__asm__ volatile("int3");
}

static void test_faults(void)
{
	int zero = 0;
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK("SIGSEGV of a null pointer", faults_with(SIGSEGV, read_it, (void *)8));
	CHECK("SEGV_MAPERR and its address", last_code == SEGV_MAPERR && fault_address == 8);
	CHECK("SIGSEGV of a read-only page", faults_with(SIGSEGV, write_it, page + 5));
	CHECK("SEGV_ACCERR and its address",
	      last_code == SEGV_ACCERR && fault_address == (unsigned long)page + 5);
	CHECK("SIGFPE", faults_with(SIGFPE, divide, &zero));
	CHECK("FPE_INTDIV", last_code == FPE_INTDIV && fault_address == fault_rip);
	CHECK("SIGILL", faults_with(SIGILL, illegal, NULL));
	CHECK("ILL_ILLOPN and its address", last_code == ILL_ILLOPN && fault_address == fault_rip);
	CHECK("SIGTRAP", faults_with(SIGTRAP, trap, NULL));
	signal(SIGSEGV, SIG_DFL);
	munmap(page, 4096);
}

/* A handler that repairs the cause by changing the context, as V8 and managed runtimes do. */
static void on_skip(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	(void)signo;
	(void)info;
	count++;
	uc->uc_mcontext.gregs[REG_RIP] += 2; /* length of ud2 */
	uc->uc_mcontext.gregs[REG_RBX] = 77;
}

static void test_context(void)
{
	unsigned long rbx = 5, flags;
	double in = 1.5, out;
	install_info(SIGILL, on_skip, 0);
	__asm__ volatile("movsd %3, %%xmm9; std; ud2; pushfq; popq %1; cld; movsd %%xmm9, %2"
			 : "+b"(rbx), "=r"(flags), "=m"(out)
			 : "m"(in)
			 : "xmm9", "memory");
	CHECK("a handler may change registers", rbx == 77 && count == 1);
	CHECK("flags and vector registers come back", (flags & 0x400) && out == 1.5);
	signal(SIGILL, SIG_DFL);
}

static volatile int thread_ran_on;
static pthread_t target;

static void on_thread(int signo)
{
	(void)signo;
	thread_ran_on = pthread_equal(pthread_self(), target);
}

static void *wait_for_signal(void *arg)
{
	sigset_t none;
	(void)arg;
	sigemptyset(&none);
	sigsuspend(&none);
	return NULL;
}

static void test_threads(void)
{
	sigset_t usr1 = set_of(SIGUSR1), old;
	install(SIGUSR1, on_thread, 0);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	pthread_create(&target, NULL, wait_for_signal, NULL);
	pthread_kill(target, SIGUSR1);
	pthread_join(target, NULL);
	CHECK("pthread_kill reaches its thread", thread_ran_on);
	thread_ran_on = 0;
	pthread_create(&target, NULL, wait_for_signal, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(target, NULL);
	CHECK("a signal of the process goes to the thread that takes it", thread_ran_on);
	CHECK("pthread_kill of no signal", pthread_kill(pthread_self(), 0) == 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	test_handlers();
	test_masks();
	test_queue();
	test_wait();
	test_faults();
	test_context();
	test_threads();
	return check_result();
}
