/* Pages of a compact snapshot, made again while they are of use. */
#ifndef TENDER_HYDRATE_H
#define TENDER_HYDRATE_H

#include "context.h"

/* Gives s its pages, if it has none. 0 or -errno. */
int hydrate(struct tender *t, struct snapshot *s);
/* They are of no use any more: a compact snapshot gives them up. */
void dehydrate(struct snapshot *s);

#endif
