/* The memory of a UC that goes on. */
#ifndef LIBOS_RESUME_H
#define LIBOS_RESUME_H

#include "abi/plan.h"
#include "include/types.h"

/*
 * Makes the memory of the UC out of that of its snapshot, which is in place. The plan lies outside of
 * both. False when its changes are malformed, or a page of them cannot be written.
 */
bool resume_memory(const struct plan *p);

#endif
