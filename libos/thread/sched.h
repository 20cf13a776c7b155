/* thread/sched.c: what the trap and deploy code needs of the scheduler beyond thread.h. */
#ifndef LIBOS_SCHED_H
#define LIBOS_SCHED_H

#include "thread.h"

/* The preemption alarm rang in the library OS itself; in guest code: sched_tick of upcalls.h. */
void sched_alarm_in_kernel(void);
/* Before the return to the guest: the host's alarm must ring when something may be due. */
void sched_arm_alarm(void);
/* Around a wait for the host in which no thread runs and no timer fires. */
void sched_park(void);
void sched_unpark(void);
/* After a deploy: the host's alarm did not come along. captured_ns is CLOCK_MONOTONIC at the capture. */
void sched_redeploy(u64 captured_ns);
/* What current has used of its turn, not yet in its cpu_ns. */
u64 sched_slice_ns(void);
/* Makes t the first thread and enters fn on its kernel stack. */
noreturn_fn void sched_start(struct thread *t, void (*fn)(void *), void *arg);

#endif
