/* The node's requests. */
#ifndef TENDER_REQUESTS_H
#define TENDER_REQUESTS_H

struct tender;
struct control_frame;

/* Carries out one frame from the node. */
void request_handle(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
