/*
 * Reset in place: a UC that has answered is put back to the snapshot that it was deployed from, by its own
 * library OS but without its consent, and becomes a new UC of that snapshot.
 */
#ifndef TENDER_RESET_H
#define TENDER_RESET_H

struct tender;
struct control_frame;
struct uc;

void resets_init(struct tender *t);
/* CONTROL_RESET; the answer comes with LINK_DEPLOYED. */
void reset_request(struct tender *t, const struct control_frame *frame, const char *payload);

/*
 * UCs that were on their way to rest when their reset was asked for. Milliseconds until one is looked at
 * again, or -1.
 */
int resets_timeout_ms(const struct tender *t);
void resets_tick(struct tender *t);
/* The UC has ended, or is about to: what was asked for is answered. */
void reset_give_up(struct tender *t, struct uc *uc);

#endif
