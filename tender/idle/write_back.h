/*
 * Pages of a stopped UC that get bytes of its snapshot back, from outside, which takes half of what the UC
 * would need.
 */
#ifndef TENDER_WRITE_BACK_H
#define TENDER_WRITE_BACK_H

#include <sys/types.h>

#include "plan/reset_plan.h"

struct pages;

/*
 * Carries out those of the list's PLAN_COPY that it can, and takes them off the list: of the pages' layers,
 * and zeroes. They are private pages of writable memory.
 */
void write_back(pid_t pid, const struct pages *pages, struct reset_list *list);

#endif
