/*
 * Whether a plan that comes out of a file is one that a tender would have written. Pure: touches no process.
 */
#ifndef TENDER_PLAN_CHECK_H
#define TENDER_PLAN_CHECK_H

#include "abi/layout.h"
#include "abi/plan.h"
#include "plan/frame.h"

/* An embryo maps the plan below its stack, at the top of the scratch region. */
#define PLAN_BYTES_MAX (UC_SCRATCH_END - UC_SCRATCH_BASE - (1ul << 20) - UC_PAGE_SIZE)

/* What the plan may refer to. */
struct plan_rules {
	uint64_t image_bytes[UC_IMAGE_MAX];
	int image_count;
	const uint64_t *layer_bytes; /* of layer j of the plan */
	int layer_count;
	struct frame_source frame; /* without registers and state: what each frame of this host has */
};

/*
 * NULL if an embryo can carry it out and nothing in it leads out of the guest's space, its images and layers;
 * else what is wrong with it. text is aligned to 8 bytes and has bytes bytes, nothing of it is trusted.
 */
const char *plan_fault(const void *text, uint64_t bytes, const struct plan_rules *rules);

#endif
