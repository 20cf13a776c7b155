/* What a stop is made of: for tracee.c and tracee_stop.c alone. */
#ifndef TENDER_TRACEE_STEPS_H
#define TENDER_TRACEE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/user.h>

struct tracee;

/* Begins to trace the process, which runs on. 0 or -errno: -ESRCH when it has ended, or is about to. */
int tracee_seize(struct tracee *t, pid_t pid);
/* Asks it to stop. 0 or -errno. */
int tracee_interrupt(const struct tracee *t);
/* Waits for the next stop; 0 or -errno: -ESRCH when it has ended, or is about to; -ETIMEDOUT. */
int tracee_next_stop(struct tracee *t);
/* With that status of wait4(2) it stands still by itself, not by a signal. */
bool tracee_is_event_stop(int status);
/* A set of registers of one that stands still (PTRACE_GETREGSET); *got: its bytes. 0 or -errno. */
int tracee_read_set(pid_t pid, int set, void *to, size_t bytes, size_t *got);
/*
 * As the kernel would have done on the way back to the interrupted call; a refused one is made again as well.
 */
void tracee_restart_call(struct user_regs_struct *r, int signal);

#endif
