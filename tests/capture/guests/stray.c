/*
 * Guests at odd places, one per argument: without a stack, with the stack pointer where no guest's belongs,
 * in nothing but the clock, in faults, about to end. Those that can write a dot now and then, for ever.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DOT_ROUNDS 2000000ul

static const char dot[] = ".\n";

/* Writes dots from registers and static data alone; the stack pointer is what the caller says. */
static inline __attribute__((always_inline)) void dots_with_stack_at(uint64_t sp)
{
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "1: movq %1, %%rcx\n\t"
			 "2: decq %%rcx\n\t"
			 "jnz 2b\n\t"
			 "movl $1, %%eax\n\t"
			 "movl $1, %%edi\n\t"
			 "movq %2, %%rsi\n\t"
			 "movl $2, %%edx\n\t"
			 "syscall\n\t"
			 "jmp 1b\n\t" ::"r"(sp),
			 "i"(DOT_ROUNDS), "r"(dot)
			 : "rcx", "rax", "rdi", "rsi", "rdx", "r11", "memory");
	__builtin_unreachable();
}

/* Makes no call: the library OS would take it for one of its own. */
static inline __attribute__((always_inline)) void spin_with_stack_at(uint64_t sp)
{
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "1: jmp 1b\n\t" ::"r"(sp)
			 : "memory");
	__builtin_unreachable();
}

static void without_stack(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0) & ~4095ul;

	__asm__ volatile("syscall" ::"a"(SYS_munmap), "D"(here - 65536), "S"(131072)
			 : "rcx", "r11", "memory");
	dots_with_stack_at(here);
}

/* Its own stack moved away under it: what it has lies elsewhere now. */
static void with_moved_stack(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0) & ~4095ul;
	char *room = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	register long flags __asm__("r10") = MREMAP_MAYMOVE | MREMAP_FIXED;
	register void *to __asm__("r8") = room + (1 << 19);

	__asm__ volatile("syscall" ::"a"(SYS_mremap), "D"(here), "S"(4096), "d"(4096), "r"(flags), "r"(to)
			 : "rcx", "r11", "memory");
	dots_with_stack_at((uint64_t)room + (1 << 19) + 2048);
}

/* Calls clock_gettime(2) through the vDSO and does nothing else. */
static void in_the_clock(void)
{
	struct timespec first, now, last;

	clock_gettime(CLOCK_MONOTONIC, &first);
	last = first;
	for (uint64_t i = 1;; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
			_exit(3);
		last = now;
		if (i % 1000000 == 0)
			(void)!write(1, dot, 2);
	}
}

static volatile uint64_t faults;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if (mprotect((void *)((uint64_t)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE))
		_exit(4);
	if (++faults % 2000 == 0)
		(void)!write(1, dot, 2);
}

/* Each write is a fault, each fault a signal. */
static void in_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL))
		_exit(5);
	for (uint64_t i = 0;; i++) {
		*(volatile uint64_t *)page = i;
		if (*(volatile uint64_t *)page != i || mprotect(page, 4096, PROT_READ))
			_exit(6);
	}
}

/* Ends at some instant of the next milliseconds, in one of several ways. */
static void end(unsigned after_us, const char *how)
{
	struct timespec nap = { 0, after_us * 1000l };

	nanosleep(&nap, NULL);
	if (!strcmp(how, "crash"))
		*(volatile int *)8 = 0;
	if (!strcmp(how, "stop"))
		kill(getpid(), SIGKILL);
	_exit(7);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "without-stack"))
		without_stack();
	if (!strcmp(what, "moved-stack"))
		with_moved_stack();
	if (!strcmp(what, "stack-at") && argc > 2) {
		(void)!write(1, dot, 2);
		spin_with_stack_at(strtoul(argv[2], NULL, 16));
	}
	if (!strcmp(what, "clock"))
		in_the_clock();
	if (!strcmp(what, "faults"))
		in_faults();
	if (!strcmp(what, "end") && argc > 3)
		end((unsigned)atoi(argv[2]), argv[3]);
	if (!strcmp(what, "timer")) {
		struct timespec t = { strtol(argv[2], NULL, 10), 0 }, now;

		(void)!write(1, "sleeps\n", 7);
		nanosleep(&t, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		printf("%ld\n", now.tv_sec * 1000 + now.tv_nsec / 1000000);
		return 0;
	}
	return 1;
}
