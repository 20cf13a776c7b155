/* A snapshot's memory in files. */
#ifndef TENDER_PAGES_H
#define TENDER_PAGES_H

#include "context.h"

/* Takes plan_fd. Counted once, without layers. */
struct pages *pages_new(int plan_fd, uint64_t plan_bytes);
struct pages *pages_get(struct pages *p);
/* NULL is allowed. */
void pages_put(struct pages *p);
/* Takes the caller's count of the layer, which gets the next number. */
void pages_add_layer(struct pages *p, struct layer *layer);

#endif
