/* What a template is made of, and what its embryos do about it. */
#ifndef TENDER_TEMPLATE_JOB_H
#define TENDER_TEMPLATE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/plan.h"

/* What an embryo of a template does about the working set. */
enum embryo_fetch {
	FETCH_NOTHING, /* the only choice for one of the zygote itself */
	FETCH_ALL,     /* ahead */
	FETCH_EXACTLY, /* page by page, without what the kernel maps around a page that is read */
};

/* What a template maps, in the order of a deploy (abi/link.h). */
struct template_sources {
	const int *fds; /* images, plans, layers */
	int image_count, plan_count, layer_count;
};

/* Blocks of files in huge pages are mapped as they are, and never split. */
#define WORKING_SET_HUGE_BYTES (2ul << 20)

/* More do not fit into one message to the zygote. */
#define ZYGOTE_TOUCHES_MAX 2048

struct working_set {
	const struct plan_touch *touches;
	uint32_t count;
	bool exact; /* it holds no page that is not needed */
};

#endif
