/* What a UC may do that has nothing to do: come to rest. One that goes on working is ended. */
#ifndef TENDER_IDLE_LIMIT_H
#define TENDER_IDLE_LIMIT_H

#include <stdint.h>

struct uc;
struct tender;

/* It has answered: what it does from now on counts. */
void idle_limit_begin(struct uc *uc);
/* A message was sent to its driver: what it does until it takes it counts. */
void idle_limit_note_message(struct uc *uc);
/* It has used so much processor time until now. */
void idle_limit_check(const struct tender *t, struct uc *uc, uint64_t cpu_ns);

#endif
