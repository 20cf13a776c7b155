/* A UC that stands still under ptrace(2) while it is captured. */
#ifndef TENDER_TRACEE_H
#define TENDER_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/user.h>

#include "abi/libos.h"

/* More than any x86-64 processor has. */
#define TRACEE_XSTATE_MAX 16384

/* How much of the tender's time a stop may take. */
enum tracee_patience {
	TRACEE_BRIEFLY, /* TRACEE_BRIEF_NS at most */
	TRACEE_LONG,    /* 400 attempts or TRACEE_LIMIT_NS, twice that when these were few */
};

struct tracee {
	pid_t pid;
	bool ended; /* it died instead: status and usage are those of wait4(2) */
	int status;
	int signal; /* for it to have when it runs on, or 0 */
	struct rusage usage;
	struct user_regs_struct regs;
	uint8_t xstate[TRACEE_XSTATE_MAX] __attribute__((aligned(64)));
	uint32_t xstate_bytes;
};

/*
 * Stops the process where memory and registers alone describe it, wherever that is in the guest or in the
 * library OS: its stack neither the alternate stack nor that of an embryo, no reading of the host's clock
 * half done, no signal on the way to it that its next instruction would not raise again. From any other place
 * it is stepped, or runs a little, until it has left it. An interrupted or refused system call is set back so
 * that the registers make it again.
 *
 * Within an operation, which pauses for all that takes longer. 0 or -errno: -ESRCH when it has ended (ended
 * tells whether it was reaped here) or is about to; -EAGAIN when it came to no such point in time, then it
 * runs on; -ETIMEDOUT when it does not stop at all, since the host kernel works for it: then it is to be
 * killed.
 */
#define TRACEE_BRIEF_NS 2500000ull
#define TRACEE_LIMIT_NS 1000000000ull
int tracee_stop(struct tracee *tracee, pid_t pid, const struct libos_header *libos,
		enum tracee_patience patience);
/*
 * Stops a process that sleeps, once and for no longer than that takes. Its extended state is not read. 0 or
 * -errno: -EBUSY when a signal is on its way to it, blocked or not, then it runs on; -ESRCH and -ETIMEDOUT as
 * above.
 */
int tracee_stop_asleep(struct tracee *tracee, pid_t pid);
/*
 * Gives it other registers and blocks the signals of mask; it runs on with them. Its extended state stays. 0
 * or -errno.
 */
int tracee_redirect(const struct tracee *tracee, const struct user_regs_struct *regs, uint64_t mask);
/* Lets it run on. */
void tracee_detach(const struct tracee *tracee);

#endif
