/*
 * CONTROL_DIFF: where the memory of two snapshots differs. Done in steps, so that UCs are served meanwhile.
 */
#ifndef TENDER_SNAPSHOT_DIFF_H
#define TENDER_SNAPSHOT_DIFF_H

#include <stdbool.h>

struct tender;
struct control_frame;

void snapshot_diffs_init(struct tender *t);
void snapshot_diff_request(struct tender *t, const struct control_frame *frame, const char *payload);
/* How long to wait for events before the next step; -1 when none is under way. */
int snapshot_diff_timeout_ms(const struct tender *t);
/*
 * Goes on with the oldest one for a while, and answers it when it is done. To be called after each wait for
 * events; quiet: there were none. Otherwise it is a step now and then.
 */
void snapshot_diff_step(struct tender *t, bool quiet);

#endif
