/* process/rlimit.c: resource limits of the process. */
#ifndef LIBOS_RLIMIT_H
#define LIBOS_RLIMIT_H

#include "include/types.h"

/* RLIMIT_STACK of the guest, and its stack. */
#define STACK_BYTES (8ul << 20)

/* The soft limit of RLIMIT_…, or RLIM_INFINITY. */
u64 rlimit_soft(u32 resource);

#endif
