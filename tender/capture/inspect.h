/* CONTROL_INSPECT: what a snapshot is made of. */
#ifndef TENDER_INSPECT_H
#define TENDER_INSPECT_H

struct tender;
struct control_frame;

void inspect_request(struct tender *t, const struct control_frame *frame, const char *payload);
/* Carries out CONTROL_MAPS. */
void inspect_maps_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
