/* A snapshot's memory in files. */
#ifndef TENDER_PAGES_H
#define TENDER_PAGES_H

#include <stdint.h>

#include "abi/layout.h"
#include "abi/link.h"

struct layer;

/* Descriptors of a deploy travel in one message, which the library OS takes up to this number. */
#define DEPLOY_FDS_MAX 64
#define LAYERS_MAX (DEPLOY_FDS_MAX - UC_IMAGE_MAX - LINK_PLANS_MAX)

/* The whole memory of a snapshot, as files to map and the plan to do it. */
struct pages {
	int refs; /* of the snapshot, and of each UC and template that has mapped it */
	int plan_fd;
	uint64_t plan_bytes;
	struct pages *difference_from; /* difference_fd is for a process that has mapped these, or -1 */
	int difference_fd;
	uint64_t difference_bytes;
	int difference_error;
	int layer_count;
	struct layer **layers;
};

/* Takes plan_fd. Counted once, without layers. */
struct pages *pages_new(int plan_fd, uint64_t plan_bytes);
struct pages *pages_get(struct pages *p);
/* NULL is allowed. */
void pages_put(struct pages *p);
/* Takes the caller's count of the layer, which gets the next number. */
void pages_add_layer(struct pages *p, struct layer *layer);

#endif
