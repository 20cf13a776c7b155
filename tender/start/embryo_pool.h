/* Embryos that stand ready, so that making a process is off the path of a deploy. */
#ifndef TENDER_EMBRYO_POOL_H
#define TENDER_EMBRYO_POOL_H

#include <stdbool.h>

#include "base/base.h"
#include "sandbox/zygote.h"

struct tender;
struct uc;

struct embryo_pool {
	struct list_node ready;
	int count;
};

/* A new embryo, in no list yet; made_ns says how long that took. 0 or -errno. */
int embryo_make(struct tender *t, const struct zygote *from, enum embryo_fetch fetch, struct uc **made);

void pool_init(struct tender *t);
bool pool_wants_more(const struct tender *t);
/* Makes one embryo; failure is left for the next deploy to report. */
void pool_add_one(struct tender *t);
/* An embryo from the pool, or a new one. 0 or -errno. */
int pool_take(struct tender *t, struct uc **uc);
/* An embryo has ended by itself, perhaps one of the pool. */
void pool_lost(struct tender *t, const struct uc *uc);

#endif
