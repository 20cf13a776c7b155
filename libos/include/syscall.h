/*
 * The guest's system calls. Each is long sys_NAME(const u64 a[6]) and returns what Linux
 * returns (negative errno), or one of the restart codes below, never seen by the guest.
 * sys/table.c lists them all.
 */
#ifndef LIBOS_SYSCALL_H
#define LIBOS_SYSCALL_H

#include "types.h"

/* The call is made again if a handler with SA_RESTART (or none) runs, else EINTR. */
#define ERESTARTSYS 512
/* As above, but EINTR after any handler (poll, epoll_wait, nanosleep family, sigsuspend). */
#define ERESTARTNOHAND 514
/* sys_rt_sigreturn: the frame holds all registers already, rax is not set. */
#define ESYSRETURNED 600

typedef long (*syscall_fn)(const u64 a[6]);
#define SYSCALL_MAX 470
extern const syscall_fn syscall_table[SYSCALL_MAX];

/* Calls without an implementation, counted by number; listed at exit with --trace. */
extern u32 syscall_unknown[SYSCALL_MAX];

#endif
