/*
 * What a UC may send. The tender takes frames of a UC on the time of all, and the node those of all UCs: each
 * has a share of both, in store for what it says at once, and is not listened to while that is used up. Its
 * link then fills, and it waits.
 */
#ifndef TENDER_LINK_SHARE_H
#define TENDER_LINK_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct tender;
struct uc;

struct link_shares {
	struct list_node waiting;
	uint64_t given_ns; /* when they had a turn */
};

void link_shares_init(struct tender *t);
/*
 * A frame with so many bytes was taken. False, and uc->share.bytes below 0, when the UC has had its share: it
 * is to wait.
 */
bool link_share_use(struct uc *uc, size_t bytes);
/* It is not listened to until it has a share again, which link_shares_tick tells. */
void link_share_await(struct tender *t, struct uc *uc);
void link_share_forget(struct uc *uc);

/* Until link_shares_tick has something to do, -1 for ever. */
int link_shares_timeout_ms(const struct tender *t);
void link_shares_tick(struct tender *t);

#endif
