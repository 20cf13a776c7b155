/* Promotion: a demoted UC gets a process again. */
#ifndef TENDER_PROMOTE_H
#define TENDER_PROMOTE_H

struct tender;
struct control_frame;

/* CONTROL_PROMOTE, answer included, which comes with LINK_DEPLOYED. */
void promote_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
