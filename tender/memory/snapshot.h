/* Snapshots that this tender can deploy. */
#ifndef TENDER_SNAPSHOT_H
#define TENDER_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"
#include "base/base.h"
#include "memory/pages.h"
#include "memory/packs.h"

struct tender;
struct image;
struct template_sources;

/* It is kept as pages, or compact, as what differs from its parent. */
struct snapshot {
	struct list_node node; /* known snapshots, until dropped */
	uint64_t number, parent;
	int refs; /* the table's, one for each UC deployed from it or demoted to it, and
	             compact children's */
	struct pages *pages; /* of one that is not compact, else NULL */
	struct snapshot *compact_parent; /* of a compact one, which has a count of it; else NULL */
	struct packed_plan packed; /* of a compact one: the plan that makes it of its parent */
	struct packed_file packed_file; /* a file of its own with that */
	struct tender *tender; /* whose it is */
	uint64_t starts; /* by this tender, those of compact children too */
	int image_count;
	struct image *images[UC_IMAGE_MAX];
};

void snapshots_init(struct tender *t);
/*
 * What this tender holds of the pack of another, in a file that packed_take_list reads: its descriptor, or
 * -errno.
 */
int snapshots_list_packed(struct tender *t, int owner);
struct snapshot *snapshot_find(struct tender *t, uint64_t number);
struct snapshot *snapshot_get(struct snapshot *s);
/* NULL is allowed. */
void snapshot_put(struct snapshot *s);
/* An empty one with a count of one, not known by number yet, with neither pages nor a packed plan. */
struct snapshot *snapshot_new(struct tender *t, uint64_t number, uint64_t parent);
/* Makes it known; takes the caller's count. -EEXIST leaves it with the caller. */
int snapshot_publish(struct tender *t, struct snapshot *s);
/* Forgets the number. 0 or -ENOENT. */
int snapshot_drop(struct tender *t, uint64_t number);
/* It is known by its number. */
bool snapshot_is_known(const struct snapshot *s);

/* It is kept as the words that differ from its parent. */
bool snapshot_is_compact(const struct snapshot *s);
/*
 * Keeps s as that plan, which is relative to its parent; takes the caller's hold on it, also on failure. 0,
 * also if s is compact already, or -errno: -ENOENT when the parent is not known here any more.
 */
int snapshot_make_compact(struct tender *t, struct snapshot *s, const struct packed_plan *packed);
/* Its plan file, which has its registers: the full one, or that of a compact one, as packed_file gives it. */
int snapshot_plan(struct snapshot *s, uint64_t *bytes);
/* Plans that a deploy of s carries out one after the other: 1, and 1 for each compact one of its lineage. */
int snapshot_depth(const struct snapshot *s);
/* The nearest of s and its ancestors that is not compact. */
struct snapshot *snapshot_root(struct snapshot *s);

/* What a template of s maps; fds gets its descriptors. */
void snapshot_sources(struct snapshot *s, int fds[DEPLOY_FDS_MAX], struct template_sources *sources);

#endif
