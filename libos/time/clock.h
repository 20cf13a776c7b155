/* time/clock.c: the guest's monotonic and real time. */
#ifndef LIBOS_TIME_CLOCK_H
#define LIBOS_TIME_CLOCK_H

#include "include/types.h"

u64 clock_monotonic_ns(void); /* the guest's; continues across deploys */
u64 clock_realtime_ns(void);
/* Deadline from a relative time, saturating. */
u64 deadline_after(u64 ns);
/* Takes the host's vDSO from uc_identity; the clocks are behind it until clock_catch_up. */
void clock_boot(u32 behind_s);
void clock_catch_up(void);
/*
 * Keeps CLOCK_MONOTONIC from going back: captured_host_ns is the host's clock at the capture. The guest's
 * then.
 */
u64 clock_redeploy(u64 captured_host_ns);

#endif
