/* Registers as no compiler leaves them, while nothing else tells where the program is. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define STEPS 40
#define ROUNDS 120000ul
#define FLAG_TRAP 0x100

static volatile unsigned long traps;

/*
 * Spins without a stack, with foreign segment bases and the direction flag set, every register in use.
 * The result is made of all of them.
 */
static uint64_t spin(uint64_t rounds, uint64_t seed)
{
	uint64_t result, keep[4];

	__asm__ volatile("movq %%rsp, 0(%[keep])\n\t"
			 "movq %%rbp, 8(%[keep])\n\t"
			 "rdfsbase %%rax\n\t"
			 "movq %%rax, 16(%[keep])\n\t"
			 "rdgsbase %%rax\n\t"
			 "movq %%rax, 24(%[keep])\n\t"
			 "movq %[keep], %%r15\n\t"
			 "movq %[rounds], %%rcx\n\t"
			 "movq %[seed], %%rax\n\t"
			 "movabsq $0x123456789000, %%rbx\n\t"
			 "wrfsbase %%rbx\n\t"
			 "movabsq $0x7654321000, %%rbx\n\t"
			 "wrgsbase %%rbx\n\t"
			 "movabsq $0xdead0000beef, %%rsp\n\t"
			 "movq $0x1d, %%rbp\n\t"
			 "std\n\t"
			 "1:\n\t"
			 "addq %%rsp, %%rax\n\t"
			 "rolq $7, %%rax\n\t"
			 "xorq %%rbp, %%rax\n\t"
			 "addq $3, %%rbp\n\t"
			 "subq $0x11, %%rsp\n\t"
			 "rdfsbase %%rdx\n\t"
			 "addq %%rdx, %%rax\n\t"
			 "rdgsbase %%rdx\n\t"
			 "addq %%rdx, %%rax\n\t"
			 "movq %%rax, %%xmm9\n\t"
			 "paddq %%xmm9, %%xmm10\n\t"
			 "decq %%rcx\n\t"
			 "jnz 1b\n\t"
			 "movq %%xmm10, %%rdx\n\t"
			 "addq %%rdx, %%rax\n\t"
			 "movq 16(%%r15), %%rdx\n\t"
			 "wrfsbase %%rdx\n\t"
			 "movq 24(%%r15), %%rdx\n\t"
			 "wrgsbase %%rdx\n\t"
			 "movq 0(%%r15), %%rsp\n\t"
			 "pushfq\n\t"
			 "popq %%rdx\n\t"
			 "andq $0x400, %%rdx\n\t"
			 "addq %%rdx, %%rax\n\t"
			 "cld\n\t"
			 "movq 8(%%r15), %%rbp\n\t"
			 : "=&a"(result)
			 : [rounds] "r"(rounds), [seed] "r"(seed), [keep] "r"(keep)
			 : "rbx", "rcx", "rdx", "r15", "xmm9", "xmm10", "memory", "cc");
	return result;
}

/* Rounding modes and the stack of the x87 and of SSE units live through it. */
static uint64_t rounded(uint64_t rounds, int step)
{
	static const uint16_t x87_modes[] = { 0x037f, 0x077f, 0x0b7f, 0x0f7f, 0x007f };
	static const uint32_t sse_modes[] = { 0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x9fc0 };
	uint16_t x87 = x87_modes[step % 5], x87_was, x87_is;
	uint32_t sse = sse_modes[step % 5], sse_was, sse_is;
	long double deep = 1.0L;
	double sum = step;
	uint64_t bits;

	__asm__ volatile("fnstcw %0" : "=m"(x87_was));
	__asm__ volatile("stmxcsr %0" : "=m"(sse_was));
	__asm__ volatile("fldcw %0" ::"m"(x87));
	__asm__ volatile("ldmxcsr %0" ::"m"(sse));
	for (uint64_t i = 1; i < rounds; i++) {
		__asm__ volatile("fldt %0\n\tfld1\n\tfildq %1\n\tfdivrp\n\tfaddp\n\tfstpt %0"
				 : "+m"(deep)
				 : "m"(i));
		sum += 1.0 / (double)i;
	}
	__asm__ volatile("fnstcw %0" : "=m"(x87_is));
	__asm__ volatile("stmxcsr %0" : "=m"(sse_is));
	__asm__ volatile("fldcw %0" ::"m"(x87_was));
	__asm__ volatile("ldmxcsr %0" ::"m"(sse_was));
	memcpy(&bits, &sum, sizeof bits);
	memcpy(&sum, &deep, sizeof sum);
	return bits ^ (uint64_t)(sum * 1e9) ^ (uint64_t)x87_is << 48 ^ sse_is;
}

/* All of the vector registers, wide ones where the processor has them. */
__attribute__((target("avx2"))) static uint64_t wide(uint64_t rounds, uint64_t seed)
{
	uint64_t lanes[16][4], sum = 0;

	for (int i = 0; i < 64; i++)
		lanes[i / 4][i % 4] = seed * (uint64_t)(2 * i + 1);
	__asm__ volatile(
		"vmovdqu 0(%[p]), %%ymm0\n\tvmovdqu 32(%[p]), %%ymm1\n\tvmovdqu 64(%[p]), %%ymm2\n\t"
		"vmovdqu 96(%[p]), %%ymm3\n\tvmovdqu 128(%[p]), %%ymm4\n\tvmovdqu 160(%[p]), %%ymm5\n\t"
		"vmovdqu 192(%[p]), %%ymm14\n\tvmovdqu 224(%[p]), %%ymm15\n\t"
		"1:\n\t"
		"vpaddq %%ymm0, %%ymm1, %%ymm2\n\t"
		"vpxor %%ymm2, %%ymm3, %%ymm4\n\t"
		"vpaddq %%ymm4, %%ymm14, %%ymm15\n\t"
		"vpermq $0x39, %%ymm15, %%ymm14\n\t"
		"vpaddq %%ymm14, %%ymm5, %%ymm0\n\t"
		"vpxor %%ymm0, %%ymm1, %%ymm3\n\t"
		"vpsrlq $7, %%ymm3, %%ymm5\n\t"
		"vpsllq $57, %%ymm3, %%ymm1\n\t"
		"vpor %%ymm1, %%ymm5, %%ymm1\n\t"
		"decq %[n]\n\t"
		"jnz 1b\n\t"
		"vmovdqu %%ymm0, 0(%[p])\n\tvmovdqu %%ymm1, 32(%[p])\n\tvmovdqu %%ymm3, 64(%[p])\n\t"
		"vmovdqu %%ymm14, 96(%[p])\n\tvzeroupper\n\t"
		: [n] "+r"(rounds)
		: [p] "r"(lanes)
		: "memory", "cc", "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm14", "ymm15");
	for (int i = 0; i < 16; i++)
		sum = (sum ^ lanes[i / 4][i % 4]) * 1099511628211ull;
	return sum;
}

/* In a UC the flag is gone after the handler; on Linux it is cleared here. */
static void on_trap(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TRAP;
	traps++;
}

/* Traps itself by the trap flag. */
static unsigned long trapped(void)
{
	unsigned long before = traps;

	for (int i = 0; i < 200; i++)
		__asm__ volatile("subq $128, %%rsp\n\t"
				 "pushfq\n\t"
				 "orq $0x100, (%%rsp)\n\t"
				 "popfq\n\t"
				 "nop\n\t"
				 "addq $128, %%rsp\n\t" ::
					 : "memory", "cc");
	return traps - before;
}

int main(void)
{
	uint64_t hash = 1;

	struct sigaction trap = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGTRAP, &trap, NULL))
		return 1;
	for (int step = 0; step < STEPS; step++) {
		char line[80];
		int n;

		hash = hash * 31 + spin(ROUNDS * 4, hash);
		hash = hash * 31 + rounded(ROUNDS, step);
		if (__builtin_cpu_supports("avx2"))
			hash = hash * 31 + wide(ROUNDS * 2, hash);
		n = snprintf(line, sizeof line, "%d %016lx %lu\n", step, hash, trapped());
		if (write(1, line, (size_t)n) != n)
			return 1;
	}
	return 0;
}
