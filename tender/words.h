/*
 * Where the plans of compact snapshots lie: packed, in one memory file per tender that all of them have open. A file
 * each would take a descriptor of every tender, of which the host grants fewer than there are functions.
 */
#ifndef TENDER_WORDS_H
#define TENDER_WORDS_H

#include "context.h"
#include "plan.h"

/* The memory file of a pack: a descriptor. One per tender, made before these are. */
int words_pack_create(void);
void words_init(struct tender *t, const int *packs);

/* Puts a plan into the own pack, held once by the caller. 0 or -errno. */
int words_new(struct tender *t, const void *plan, uint64_t bytes, struct words *w);
/* The same out of a file, which stays the caller's. */
int words_new_from(struct tender *t, int fd, uint64_t bytes, struct words *w);
/* One more holder, in another tender: for words of the own pack. */
void words_share(struct tender *t, const struct words *w);
/* One less; in any tender. The memory goes with the last. */
void words_release(struct tender *t, const struct words *w);
/* Another tender has released words of the own pack. */
void words_released(struct tender *t, uint64_t offset);

/* Maps the plan of a compact snapshot. 0 or -errno; plan_close follows. */
int words_view(const struct tender *t, const struct snapshot *s, struct plan_view *view);
/*
 * A sealed file of its own with that plan, for a process to map: packs are not for UCs. Its descriptor, which stays
 * for some further calls and is not the caller's to close, or -errno.
 */
int words_file(struct tender *t, struct snapshot *s);
/* The snapshot goes: what it has of the above. */
void words_forget(struct tender *t, struct snapshot *s);

#endif
