/* Capture: a running UC becomes a snapshot, from outside, without its help. */
#ifndef TENDER_CAPTURE_H
#define TENDER_CAPTURE_H

struct tender;
struct control_frame;

/* Carries out CONTROL_CAPTURE; the answer comes when every tender knows the snapshot. */
void capture_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
