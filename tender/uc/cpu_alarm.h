/*
 * Alarms on UCs' processor time: a UC that sleeps costs nothing, and the tender hears of it soon after it has
 * begun to work.
 */
#ifndef TENDER_CPU_ALARM_H
#define TENDER_CPU_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct tender;
struct uc;

struct cpu_alarms {
	struct event_source source;
	void (*rung)(struct tender *t, struct uc *uc);
};

/* Called with each UC whose alarm has rung, from the event loop. */
typedef void cpu_alarm_fn(struct tender *t, struct uc *uc);

void cpu_alarms_open(struct tender *t, cpu_alarm_fn *rung);
/*
 * Rings once, within two timer interrupts of the host, when the UC has used so much more processor time. An
 * alarm set before is set anew. False when the host has no timer to give.
 */
bool cpu_alarm_set(struct uc *uc, uint64_t ns);
/* Before the UC's number or process goes. */
void cpu_alarm_drop(struct uc *uc);

#endif
