/* Snapshots in files. */
#ifndef TENDER_STORE_H
#define TENDER_STORE_H

struct tender;
struct control_frame;

void stores_init(struct tender *t);
/* CONTROL_STORE: the reply goes out when the files are on disk. */
void store_request(struct tender *t, const struct control_frame *frame, const char *payload);

#endif
