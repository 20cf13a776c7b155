/*
 * Reset in place: a UC that has answered is put back to the snapshot that it was deployed from, by its own library OS
 * but without its consent, and becomes a new UC of that snapshot.
 */
#ifndef TENDER_RESET_H
#define TENDER_RESET_H

#include "context.h"

/* CONTROL_RESET; the answer comes with LINK_DEPLOYED. */
void reset_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
