/*
 * Templates: for snapshots in use, a process that has mapped them already. Its embryos start
 * where the mapping ends, and a few of them stand ready with the working set fetched.
 * All of it is made while the tender is idle, and none of it is needed: a deploy without
 * template maps by itself.
 */
#ifndef TENDER_TEMPLATE_H
#define TENDER_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct tender;
struct snapshot;
struct uc;
struct plan_file;

struct templates {
	struct list_node all, dead;
	int count;
};

void templates_init(struct tender *t);
/* Frees those that have ended; no event may be waiting to be told. */
void templates_free_dead(struct tender *t);

/*
 * An embryo for snapshot s, ready or new. 0 or -errno; -ENOENT: there is no template. *plan, unless
 * NULL, gets one without maps.
 */
int template_take(struct tender *t, const struct snapshot *s, struct uc **uc, struct plan_file *plan);
/* The snapshot is dropped, or kept in another form. */
void template_drop(struct tender *t, const struct snapshot *s);
/* A ready embryo has ended by itself. */
void template_lost(struct uc *uc);

/* Embryos of one should stand ready, and do not. */
bool template_is_wanted(const struct tender *t);
/* Until there may be something to clear away, -1 for ever. */
int template_timeout_ms(const struct tender *t);
/* Makes one of them. */
void template_work(struct tender *t);
/* Ends embryos that have stood ready for long. */
void templates_clear_unused(struct tender *t);

#endif
