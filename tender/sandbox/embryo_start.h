/*
 * From a clone of the zygote, or of a template, to the entry of the library OS. An embryo has nothing of the
 * zygote's own memory but the pages of this code and its job: fork(2) copies no page table for the rest, and
 * it has little to unmap.
 */
#ifndef TENDER_EMBRYO_START_H
#define TENDER_EMBRYO_START_H

#include <stdint.h>
#include <sys/types.h>

#include "abi/plan.h"
#include "sandbox/embryo_job.h"
#include "sandbox/template_job.h"

/*
 * In memory of its own; ends the process if there is none. touches: what the embryos of a template may fetch.
 */
struct embryo_job *embryo_job_make(uint64_t entry, pid_t tender, const struct plan_touch *touches,
				   uint32_t count);

/* Where its clone begins, called from assembly. */
void start_embryo(const struct embryo_job *job, enum embryo_fetch fetch)
	__attribute__((noreturn, visibility("hidden")));

/* Which of the caller's own mappings its children have: those that an embryo needs, or all. */
void embryo_job_isolate(const struct embryo_job *job);
void embryo_job_share(void);

/* A child of the tender that starts with the job. Its process id or -errno. */
long embryo_clone(const struct embryo_job *job, enum embryo_fetch fetch);

#endif
