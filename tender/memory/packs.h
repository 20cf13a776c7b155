/*
 * Where the plans of compact snapshots lie: packed, in one memory file per tender that all of them have open.
 * A file each would take a descriptor of every tender, of which the host grants fewer than there are
 * functions.
 */
#ifndef TENDER_PACKS_H
#define TENDER_PACKS_H

#include <stdint.h>

#include "base/peer_set.h"
#include "base/table.h"
#include "plan/plan.h"

struct tender;

/* A plan in the pack of a tender. */
struct packed_plan {
	int owner;
	uint64_t offset, bytes;
};

/* Files of their own that plans out of packs have at a time: more than a deploy takes. */
#define PACKED_FILES_MAX 64

/* Such a file, while there is one. */
struct packed_file {
	int fd; /* or -1 */
	unsigned slot;
};

struct packs {
	int fds[PEERS_MAX]; /* by tender; -1: not known */
	uint64_t end;       /* of the own one */
	struct table blocks;
	struct packed_file *files[PACKED_FILES_MAX];
	unsigned next_file;
};

/* With an empty pack of its own. */
void packs_init(struct tender *t);
/* The descriptor of a tender's pack, or -1. */
int packs_fd(const struct tender *t, int owner);
/* Takes the descriptor of a tender's pack, in place of one that is known of it. */
void packs_set_fd(struct tender *t, int owner, int fd);

/* Puts a plan into the own pack, held once by the caller. 0 or -errno. */
int packed_new(struct tender *t, const void *plan, uint64_t bytes, struct packed_plan *w);
/* The same out of a file, which stays the caller's. */
int packed_new_from(struct tender *t, int fd, uint64_t bytes, struct packed_plan *w);
/* A tender, this one or another, holds a plan of the own pack. */
void packed_hold(struct tender *t, uint64_t offset, uint64_t bytes, int holder);
/* One less; in any tender. The memory goes with the last. */
void packed_release(struct tender *t, const struct packed_plan *w);
/* A tender has released a plan of the own pack. */
void packed_released(struct tender *t, uint64_t offset, int holder);
/* A tender is gone: it holds nothing of the own pack any more. */
void packed_let_go(struct tender *t, int holder);

/*
 * A tender that comes in the place of another gets its pack. The others tell it what they hold of that, in a
 * file (snapshots_list_packed). Reads one; the descriptor stays the caller's. 0 or -errno.
 */
int packed_take_list(struct tender *t, int fd, int holder);
/* All lists have been read, and the pack is this tender's. 0 or -errno. */
int packed_settle(struct tender *t);

/* Maps the plan. 0 or -errno; plan_close follows. */
int packed_view(const struct tender *t, const struct packed_plan *w, struct plan_view *view);
/*
 * A sealed file of its own with that plan, for a process to map: packs are not for UCs. Its descriptor, which
 * stays for some further calls and is not the caller's to close, or -errno. file stays where it is until
 * packed_forget.
 */
int packed_file(struct tender *t, const struct packed_plan *w, struct packed_file *file);
/* Closes that file if there is one, and releases the plan. */
void packed_forget(struct tender *t, const struct packed_plan *w, struct packed_file *file);

#endif
