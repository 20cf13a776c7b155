/* mprotect(2): what is protected faults with the right signal, code and address; system calls say EFAULT. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "require.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf back;
static volatile sig_atomic_t fault_code;
static char *volatile fault_address;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(back, 1);
}

/* si_code of the fault, or 0 if there was none. */
static int try(volatile char *p, int write)
{
	fault_code = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	REQUIRE(!fault_code || fault_address == (char *)p);
	return fault_code;
}

static void protection(void)
{
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED && !mprotect(p + PAGE, PAGE, PROT_READ));
	REQUIRE(!try(p, 1) && !try(p + PAGE, 0) && !try(p + 2 * PAGE, 1));
	REQUIRE(try(p + PAGE, 1) == SEGV_ACCERR);
	REQUIRE(!mprotect(p, 3 * PAGE, PROT_NONE) && try(p + 2 * PAGE, 0) == SEGV_ACCERR);
	REQUIRE(!mprotect(p, 3 * PAGE, RW) && !try(p + PAGE, 1) && p[0] == 1);
	REQUIRE(!munmap(p + PAGE, PAGE) && try(p + PAGE, 0) == SEGV_MAPERR);
	REQUIRE(FAILS(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM));
	REQUIRE(try(p, 1) == SEGV_ACCERR && !try(p + 2 * PAGE, 1)); /* done up to the hole */
	REQUIRE(FAILS(mprotect(p + 1, PAGE, RW), EINVAL) && !mprotect(p, 0, RW));
	REQUIRE(!munmap(p, 3 * PAGE));
}

/* mov $42, %eax; ret */
static void code(void)
{
	static const unsigned char program[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*function)(void) = (int (*)(void))p;

	REQUIRE(p != MAP_FAILED);
	memcpy(p, program, sizeof program);
	REQUIRE(!mprotect(p, PAGE, PROT_READ | PROT_EXEC) && function() == 42);
	REQUIRE(!mprotect(p, PAGE, RW));
	fault_code = 0;
	if (!sigsetjmp(back, 1))
		function();
	REQUIRE(fault_code == SEGV_ACCERR && !munmap(p, PAGE));
}

static void system_calls(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2];

	REQUIRE(p != MAP_FAILED && !pipe(fds) && !mprotect(p, PAGE, PROT_READ) && !munmap(p + PAGE, PAGE));
	REQUIRE(write(fds[1], p, 10) == 10);
	REQUIRE(FAILS(read(fds[0], p, 10), EFAULT));
	REQUIRE(FAILS(write(fds[1], p + PAGE, 10), EFAULT));
	REQUIRE(FAILS(write(fds[1], (char *)~0ul - PAGE, 10), EFAULT));
	REQUIRE(FAILS(access(p + PAGE, F_OK), EFAULT));
	REQUIRE(!close(fds[0]) && !close(fds[1]) && !munmap(p, PAGE));
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	REQUIRE(!sigaction(SIGSEGV, &action, NULL));
	GROUP("protection faults", protection());
	GROUP("code made at run time", code());
	GROUP("system calls refuse bad memory", system_calls());
	return check_result();
}
