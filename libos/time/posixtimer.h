/* time/posixtimer.c: what the signal queue must tell the timers of timer_create(2). */
#ifndef LIBOS_POSIXTIMER_H
#define LIBOS_POSIXTIMER_H

#include "thread/thread.h"

/*
 * q left a signal queue. If it belongs to a timer, the overrun count is written into its siginfo, a
 * periodic timer is armed again, and the result is true: q must not be freed.
 */
bool posixtimer_taken(struct sig_queued *q);

#endif
