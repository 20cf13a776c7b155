/* Snapshots out of files. */
#ifndef TENDER_LOAD_H
#define TENDER_LOAD_H

struct tender;
struct control_frame;

/* CONTROL_LOAD: the reply goes out when every tender has the snapshot. */
void load_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
