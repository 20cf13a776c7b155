/* Snapshots that this tender can deploy. */
#ifndef TENDER_SNAPSHOT_H
#define TENDER_SNAPSHOT_H

#include "context.h"

struct snapshot *snapshot_find(struct tender *t, uint64_t number);
struct snapshot *snapshot_get(struct snapshot *s);
/* NULL is allowed. */
void snapshot_put(struct snapshot *s);
/* An empty one with a count of one, not known by number yet; its plan_fd is -1. */
struct snapshot *snapshot_new(uint64_t number, uint64_t parent);
/* Makes it known; takes the caller's count. -EEXIST leaves it with the caller. */
int snapshot_publish(struct tender *t, struct snapshot *s);
/* Forgets the number. 0 or -ENOENT. */
int snapshot_drop(struct tender *t, uint64_t number);
/* Descriptors of a deploy in the order of abi/link.h; their number. */
int snapshot_fds(const struct snapshot *s, int fds[DEPLOY_FDS_MAX]);

#endif
