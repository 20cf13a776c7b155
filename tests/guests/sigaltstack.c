/*
 * sigaltstack(2): handlers on a stack of their own, SS_AUTODISARM, stack overflow, the frame's extended
 * state.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

#define STACK_BYTES 65536
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char *stack;
static volatile int try_change = 1, on_it, flags_inside, rearm_result, xstate_ok, context_ok;
static sigjmp_buf jump;

static int is_on(const void *p)
{
	return (const char *)p >= stack && (const char *)p < stack + STACK_BYTES;
}

/* The words by which a program finds the size of the extended state; see <asm/sigcontext.h>. */
static int xstate_is_framed(const ucontext_t *uc)
{
	const char *fp = (const char *)uc->uc_mcontext.fpregs;
	uint32_t magic1, extended, magic2;
	memcpy(&magic1, fp + 464, 4);
	memcpy(&extended, fp + 468, 4);
	if (magic1 != 0x46505853 || ((uintptr_t)fp & 63))
		return 0;
	memcpy(&magic2, fp + extended - 4, 4);
	return magic2 == 0x46505845;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
	char local;
	stack_t now, again = { .ss_sp = stack, .ss_size = STACK_BYTES };
	ucontext_t *uc = context;
	(void)signo;
	(void)info;
	on_it = is_on(&local);
	sigaltstack(NULL, &now);
	flags_inside = now.ss_flags;
	if (try_change)
		rearm_result = sigaltstack(&again, NULL) ? errno : 0;
	xstate_ok = xstate_is_framed(uc);
	context_ok = uc->uc_stack.ss_sp == stack && ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
}

static void on_overflow(int signo)
{
	char local;
	(void)signo;
	on_it = is_on(&local);
	siglongjmp(jump, 1);
}

static void use(int flags)
{
	stack_t ss = { .ss_sp = stack, .ss_size = STACK_BYTES, .ss_flags = flags };
	sigaltstack(&ss, NULL);
	on_it = flags_inside = rearm_result = -1;
}

static void install(int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };
	sigaction(signo, &sa, NULL);
}

static __attribute__((noinline)) int recurse(int n)
{
	volatile char frame[4096];
	frame[0] = (char)n;
	return n ? recurse(n + 1) + frame[0] : 0;
}

static void *overflow(void *arg)
{
	use(0);
	if (!sigsetjmp(jump, 1))
		recurse(1);
	else
		*(int *)arg = on_it;
	return NULL;
}

int main(void)
{
	stack_t old, small = { .ss_sp = &old, .ss_size = 100 }, bad = { .ss_flags = 16 };
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK("none at first", sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
	CHECK("too small", FAILS(sigaltstack(&small, NULL), ENOMEM));
	CHECK("bad flags", FAILS(sigaltstack(&bad, NULL), EINVAL));

	use(0);
	install(SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK("without SA_ONSTACK the own stack", on_it == 0 && flags_inside == 0);
	CHECK("and the setting may change", rearm_result == 0);
	install(SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK("with SA_ONSTACK the alternate one", on_it == 1 && flags_inside == SS_ONSTACK);
	CHECK("in use it cannot be changed", rearm_result == EPERM);
	CHECK("the context names the stack and is aligned", context_ok);
	CHECK("the extended state is framed", xstate_ok);
	sigaltstack(NULL, &old);
	CHECK("not in use afterwards", old.ss_flags == 0 && old.ss_sp == stack);

	try_change = 0;
	use((int)SS_AUTODISARM);
	raise(SIGUSR1);
	CHECK("SS_AUTODISARM disarms inside", on_it == 1 && flags_inside == SS_DISABLE);
	sigaltstack(NULL, &old);
	CHECK("and is armed again afterwards", old.ss_flags == (int)SS_AUTODISARM && old.ss_sp == stack);

	stack_t off = { .ss_flags = SS_DISABLE };
	sigaltstack(&off, NULL);
	raise(SIGUSR1);
	CHECK("disabled", on_it == 0);

	struct sigaction sa = { .sa_handler = on_overflow, .sa_flags = SA_ONSTACK };
	int caught = 0;
	pthread_attr_t attr;
	pthread_t t;
	sigaction(SIGSEGV, &sa, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 262144);
	pthread_create(&t, &attr, overflow, &caught);
	pthread_join(t, NULL);
	CHECK("a stack overflow is caught on it", caught == 1);
	sigaltstack(NULL, &old);
	CHECK("the stack belongs to its thread", old.ss_flags == SS_DISABLE);
	return check_result();
}
