/* process/rlimit.c: resource limits of the process. */
#ifndef LIBOS_RLIMIT_H
#define LIBOS_RLIMIT_H

#include "types.h"

/* The soft limit of RLIMIT_…, or RLIM_INFINITY. */
u64 rlimit_soft(u32 resource);

#endif
