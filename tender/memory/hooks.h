/* What others want to hear of snapshots. Set before the first one is known. */
#ifndef TENDER_MEMORY_HOOKS_H
#define TENDER_MEMORY_HOOKS_H

struct tender;
struct snapshot;
struct packed_plan;

struct memory_hooks {
	/* The snapshot is kept in another form from now on. */
	void (*snapshot_changed)(struct tender *t, const struct snapshot *s);
	/* Words in the pack of another tender are not held here any more. */
	void (*packed_let_go)(struct tender *t, const struct packed_plan *packed);
};

#endif
