/* A UC that stands still under ptrace(2) while it is captured. */
#ifndef TENDER_TRACEE_H
#define TENDER_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/user.h>

#define TRACEE_XSTATE_MAX 16384

struct tracee {
	pid_t pid;
	bool ended; /* it died instead: status and usage are those of wait4(2) */
	int status;
	struct rusage usage;
	struct user_regs_struct regs;
	uint8_t xstate[TRACEE_XSTATE_MAX] __attribute__((aligned(64)));
	uint32_t xstate_bytes;
};

/*
 * Stops the process where memory and registers alone describe it: no signal on its way to
 * it, and its stack pointer off [keep_off, keep_off + keep_off_bytes), the alternate stack.
 * An interrupted system call is set back so that the registers make it again.
 * 0 or -errno: -ESRCH with ended set, -EAGAIN if it never came to such a point (then it runs on).
 */
int tracee_stop(struct tracee *tracee, pid_t pid, uint64_t keep_off, uint64_t keep_off_bytes);
/* Its memory as a file to read, where protection does not count; a descriptor or -errno. */
int tracee_memory(const struct tracee *tracee);
/* Lets it run on. */
void tracee_detach(const struct tracee *tracee);

#endif
