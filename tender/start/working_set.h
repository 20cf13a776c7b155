/* What a UC touches between its deploy and its first answer. */
#ifndef TENDER_WORKING_SET_H
#define TENDER_WORKING_SET_H

#include <stddef.h>

#include "abi/plan.h"

struct uc;

/* Runs of pages that the UC has written and read so far; up to max of them, their number or -errno. */
long working_set_learn(const struct uc *uc, struct plan_touch *touches, size_t max);

#endif
