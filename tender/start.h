/* Turning an embryo into a UC: boot and deploy. */
#ifndef TENDER_START_H
#define TENDER_START_H

#include "context.h"

/* Carry out CONTROL_BOOT and CONTROL_DEPLOY, answer included, which comes with LINK_DEPLOYED. */
void start_boot(struct tender *t, const struct control_frame *frame, const char *payload);
void start_deploy(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
