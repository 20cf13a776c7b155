#include "sandbox/embryo_start.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "sandbox/fetch.h"

/* Of a process, what is not a UC's. */
#define OWN_BEGIN (1ull << 40)
#define OWN_END 0x7ffffffff000ull

/*
 * What an embryo runs has neither libc nor global variables nor a thread block: it has none of these. The
 * linker gives the bounds of the section.
 */
#define EMBRYO_TEXT __attribute__((section("embryo_text"), noinline, no_stack_protector))

extern const char __start_embryo_text[], __stop_embryo_text[];

void EMBRYO_TEXT __attribute__((noreturn)) start_embryo(const struct embryo_job *job, enum embryo_fetch fetch)
{
	uint64_t entry = job->entry;

	if (host_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0) < 0 ||
	    host_call(SYS_getppid, 0, 0, 0) != job->tender ||
	    host_call(SYS_close_range, UC_LINK_FD + 1, ~0u, 0) < 0) {
		host_call(SYS_exit_group, 1, 0, 0);
		__builtin_unreachable();
	}
	fetch_huge(job);
	if (fetch == FETCH_ALL)
		fetch_written(job);
	if (fetch == FETCH_EXACTLY)
		separate_working_set(job);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
			 :
			 : "a"(UC_SCRATCH_END), "d"(entry)
			 : "memory");
	__builtin_unreachable();
}

/*
 * clone(2) for a child on the stack that is given: it goes on in start_embryo, with the first two arguments.
 */
static long EMBRYO_TEXT __attribute__((naked)) clone_to_start(const struct embryo_job *job,
							      enum embryo_fetch fetch, uint64_t flags,
							      uint64_t stack)
{
	(void)job, (void)fetch, (void)flags, (void)stack;
	__asm__("mov %rdi, %r9\n\t"
		"mov %esi, %r8d\n\t"
		"mov %rdx, %rdi\n\t"
		"mov %rcx, %rsi\n\t"
		"xor %edx, %edx\n\t"
		"xor %r10d, %r10d\n\t"
		"mov $56, %eax\n\t"
		"syscall\n\t"
		"test %rax, %rax\n\t"
		"jz 1f\n\t"
		"ret\n\t"
		"1: xor %ebp, %ebp\n\t"
		"mov %r9, %rdi\n\t"
		"mov %r8d, %esi\n\t"
		"call start_embryo\n\t"
		"ud2");
}

struct embryo_job *embryo_job_make(uint64_t entry, pid_t tender, const struct plan_touch *touches,
				   uint32_t count)
{
	size_t bytes = sizeof(struct embryo_job) + count * sizeof *touches;
	struct embryo_job *job =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (job == MAP_FAILED)
		_exit(1);
	*job = (struct embryo_job){ .entry = entry, .tender = tender, .touch_count = count };
	if (count)
		memcpy(job->touches, touches, count * sizeof *touches);
	return job;
}

/* The range may have holes: the kernel says so once it is through. */
static void fork_range(uint64_t start, uint64_t end, int advice)
{
	if (madvise((void *)start, end - start, advice) < 0 && errno != ENOMEM)
		_exit(1);
}

void embryo_job_isolate(const struct embryo_job *job)
{
	uint64_t job_end = (uint64_t)&job->touches[job->touch_count];

	fork_range(OWN_BEGIN, OWN_END, MADV_DONTFORK);
	fork_range(PAGE_DOWN(__start_embryo_text), PAGE_UP(__stop_embryo_text), MADV_DOFORK);
	fork_range((uint64_t)job, PAGE_UP(job_end), MADV_DOFORK);
}

void embryo_job_share(void)
{
	fork_range(OWN_BEGIN, OWN_END, MADV_DOFORK);
}

long embryo_clone(const struct embryo_job *job, enum embryo_fetch fetch)
{
	return clone_to_start(job, fetch, CLONE_PARENT | SIGCHLD, UC_SCRATCH_END);
}
