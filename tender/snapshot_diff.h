/* CONTROL_DIFF: where the memory of two snapshots differs. Done in steps, so that UCs are served meanwhile. */
#ifndef TENDER_SNAPSHOT_DIFF_H
#define TENDER_SNAPSHOT_DIFF_H

#include "context.h"

void snapshot_diff_request(struct tender *t, const struct control_frame *frame, const char *payload);
bool snapshot_diff_pending(const struct tender *t);
/* Goes on with the oldest one for a while; answers it when it is done. */
void snapshot_diff_step(struct tender *t);

#endif
