/*
 * The plan of a snapshot as a file has it. There its layers are numbered by its parent: first all of the
 * parent's in their order, then its own, so that whoever has the parent can tell them.
 */
#ifndef TENDER_STORED_PLAN_H
#define TENDER_STORED_PLAN_H

#include <stdint.h>

struct tender;
struct snapshot;
struct layer;

/*
 * The text for the file, to be freed, and the layer that goes with it, or NULL. Its length or -errno: -ESTALE
 * when the parent is not known any more, -EOPNOTSUPP when it takes pages from a layer that is neither its
 * parent's nor its own.
 */
long stored_plan_make(struct tender *t, struct snapshot *s, char **text, struct layer **own);

/*
 * Gives s, with its images and parent's number set, the plan of that text and the layers that it uses. own,
 * counted for the caller, may be NULL. NULL or what is wrong with it; *error gets a -errno then.
 */
const char *stored_plan_adopt(struct tender *t, struct snapshot *s, char *text, uint64_t bytes,
			      struct layer *own, int *error);

#endif
