/* Memory limits and deadlines of UCs. */
#ifndef TENDER_LIMITS_H
#define TENDER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "loop/loop.h"

struct tender;
struct uc;

struct limits {
	struct list_node watched, dozing;
	struct event_source ticks;
	uint64_t next_tick_ns;
};

void limits_init(struct tender *t);
/* Sets the limits that the host kernel keeps. 0 or -errno. */
int limits_apply(const struct tender *t, struct uc *uc, uint64_t memory_limit);
/* The UC may be running: look at its memory often until it is quiet. Then it is watched by an alarm. */
void limits_watch(struct tender *t, struct uc *uc);
/* Its number or its process goes. */
void limits_forget(struct uc *uc);

/* Until limits_tick has something to do, -1 for ever. An event tells it, too. */
int limits_timeout_ms(const struct tender *t);
void limits_tick(struct tender *t);
/* A UC of this core may want to run, besides those that stand still for an operation. */
bool limits_any_runs(const struct tender *t);
/* One is about to answer: what the core does besides is somebody's time. */
bool limits_any_answers(const struct tender *t);

#endif
