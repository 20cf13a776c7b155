/* Promotion: a demoted UC gets a process again. */
#ifndef TENDER_PROMOTE_H
#define TENDER_PROMOTE_H

#include "context.h"

/* CONTROL_PROMOTE; the answer comes with promote_finish. */
void promote_request(struct tender *t, const struct control_frame *frame, const char *payload);
/*
 * The new process has confirmed that it is the snapshot: makes it the UC that was demoted.
 * False: that failed, which has been answered, and the UC is on its end.
 */
bool promote_finish(struct tender *t, struct uc *uc);

#endif
