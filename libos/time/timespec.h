/* Times as system calls take and give them, and deadlines. */
#ifndef LIBOS_TIME_TIMESPEC_H
#define LIBOS_TIME_TIMESPEC_H

#include "include/types.h"

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

/*
 * seconds and nanoseconds in nanoseconds, saturating: 0, or -EINVAL for a negative time or a part out of
 * range.
 */
int timespec_ns(s64 sec, s64 nsec, u64 *ns);
/* Deadline from a struct timespec in guest memory; 0 is DEADLINE_NONE. -EFAULT, -EINVAL. */
int timespec_deadline(u64 addr, u64 *deadline_ns);
/* Writes what is left until the deadline over the struct timespec at addr, if there is one. */
void timespec_put_left(u64 addr, u64 deadline_ns);

#endif
