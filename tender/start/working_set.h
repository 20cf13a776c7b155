/* What a UC touches between its deploy and its first answer. */
#ifndef TENDER_WORKING_SET_H
#define TENDER_WORKING_SET_H

#include "abi/plan.h"
#include "context.h"

/* Blocks of files in huge pages are mapped as they are, and never split. */
#define WORKING_SET_HUGE_BYTES (2ul << 20)

/* Runs of pages that the UC has written and read so far; up to max of them, their number or -errno. */
long working_set_learn(const struct uc *uc, struct plan_touch *touches, size_t max);

#endif
