/* All that an embryo has of its zygote's memory, besides code. */
#ifndef TENDER_EMBRYO_JOB_H
#define TENDER_EMBRYO_JOB_H

#include <stdint.h>

#include "abi/plan.h"

struct embryo_job {
	uint64_t entry; /* of the library OS */
	int32_t tender;
	uint32_t touch_count;
	struct plan_touch touches[]; /* the working set, of a template */
};

#endif
