/*
 * Storms of mmap, munmap, mremap, mprotect and madvise; stacks that come and go; faults that a handler
 * repairs.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STEPS 60
#define ROUNDS 400
#define REGIONS 48
#define PAGE 4096ul
#define PAGES_MAX 40
#define STACK_BYTES 65536

static struct region {
	uint8_t *at;
	size_t pages;
	int prot;
} regions[REGIONS];

static uint64_t hash = 14695981039346656037ull;
static uint32_t seed = 1;
static unsigned repaired;

static uint32_t draw(uint32_t limit)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % limit;
}

static void add(uint64_t value)
{
	hash = (hash ^ value) * 1099511628211ull;
}

static void require(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* A write to what is mapped read-only, or not readable at all: it is allowed after all. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	uint8_t *page = (uint8_t *)((uint64_t)info->si_addr & ~(PAGE - 1));

	(void)signo;
	(void)context;
	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		_exit(99);
	repaired++;
}

static void map(struct region *r)
{
	if (r->at)
		require(!munmap(r->at, r->pages * PAGE), "munmap");
	r->pages = 1 + draw(PAGES_MAX);
	r->prot = PROT_READ | PROT_WRITE;
	r->at = mmap(NULL, r->pages * PAGE, r->prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(r->at != MAP_FAILED, "mmap");
}

static uint8_t *copy(const struct region *r, size_t pages)
{
	uint8_t *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(at != MAP_FAILED, "mmap");
	memcpy(at, r->at, (pages < r->pages ? pages : r->pages) * PAGE);
	require(!munmap(r->at, r->pages * PAGE), "munmap");
	return at;
}

static void resize(struct region *r)
{
	size_t pages = 1 + draw(PAGES_MAX);
	uint8_t *at;

	if (r->prot != (PROT_READ | PROT_WRITE)) {
		require(!mprotect(r->at, r->pages * PAGE, PROT_READ | PROT_WRITE), "mprotect");
		r->prot = PROT_READ | PROT_WRITE;
	}
	at = mremap(r->at, r->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
	/* EFAULT: it has been cut into mappings that the kernel cannot join again. */
	if (at == MAP_FAILED)
		at = copy(r, pages);
	r->at = at;
	r->pages = pages;
}

static void protect(struct region *r)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };

	r->prot = prots[draw(3)];
	require(!mprotect(r->at, r->pages * PAGE, r->prot), "mprotect");
}

static void touch(struct region *r)
{
	size_t page = draw(r->pages);
	uint64_t *words = (uint64_t *)(r->at + page * PAGE);

	words[draw(512)] = seed;
	for (int i = 0; i < 512; i += 8)
		add(words[i]);
	/* The handler may have made one page of it writable. */
	r->prot = PROT_NONE;
}

static void empty(struct region *r)
{
	size_t page = draw(r->pages);

	require(!madvise(r->at + page * PAGE, PAGE, MADV_DONTNEED), "madvise");
}

static ucontext_t main_context, coroutine;

static void run_coroutine(void)
{
	volatile uint8_t room[20000];

	for (size_t i = 0; i < sizeof room; i += 64)
		room[i] = (uint8_t)(seed >> (i % 24));
	swapcontext(&coroutine, &main_context);
	for (size_t i = 0; i < sizeof room; i += 64)
		add(room[i]);
}

/* On a stack of its own, which is unmapped as soon as it has been left. */
static void on_other_stack(void)
{
	uint8_t *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(stack != MAP_FAILED, "stack");
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = STACK_BYTES;
	coroutine.uc_link = &main_context;
	makecontext(&coroutine, run_coroutine, 0);
	swapcontext(&main_context, &coroutine);
	swapcontext(&main_context, &coroutine);
	require(!munmap(stack, STACK_BYTES), "munmap of a stack");
}

static void heap(void)
{
	void *before = sbrk((intptr_t)(PAGE * (1 + draw(8))));
	char *large = malloc(200000 + draw(200000));

	require(before != (void *)-1 && large, "heap");
	memset(before, (int)seed, PAGE);
	memset(large, (int)(seed >> 8), 200000);
	add(*(uint64_t *)before ^ *(uint64_t *)(large + 100000));
	free(large);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	require(!sigaction(SIGSEGV, &action, NULL), "sigaction");
	for (int i = 0; i < REGIONS; i++)
		map(&regions[i]);
	for (int step = 0; step < STEPS; step++) {
		char line[64];
		int n;

		for (int i = 0; i < ROUNDS; i++) {
			struct region *r = &regions[draw(REGIONS)];

			switch (draw(6)) {
			case 0:
				map(r);
				break;
			case 1:
				resize(r);
				break;
			case 2:
				protect(r);
				break;
			case 3:
				empty(r);
				break;
			default:
				touch(r);
			}
		}
		on_other_stack();
		heap();
		n = snprintf(line, sizeof line, "%d %016lx %u\n", step, hash, repaired);
		require(write(1, line, (size_t)n) == n, "write");
	}
	return 0;
}
