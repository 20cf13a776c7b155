/* Who hears of what: rooms announce what has happened, and this says to whom. */
#ifndef TENDER_HOOKS_H
#define TENDER_HOOKS_H

#include "loop/operation.h"
#include "memory/hooks.h"
#include "uc/hooks.h"

extern const struct operation_hooks operation_hooks;
extern const struct memory_hooks memory_hooks;
extern const struct uc_hooks uc_hooks;

#endif
