/* A template from within: for template.c and learning.c alone. */
#ifndef TENDER_TEMPLATE_OWN_H
#define TENDER_TEMPLATE_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "loop/loop.h"
#include "plan/plan.h"
#include "sandbox/zygote.h"

struct tender;
struct snapshot;
struct uc;

struct template
{
	struct event_source source; /* its command socket */
	struct list_node node;      /* the one used last at the end */
	struct snapshot *snapshot;
	struct zygote zygote;
	bool mapped; /* it has said so */
	struct template *before; /* a mapped one that serves until then, or NULL */
	struct template *after;  /* the other way round: this one is in no list */
	/*
	 * It knows the pages that a run needs. At first it has those of a run for which the kernel mapped
	 * others around them, several times as many, which would cost every embryo at its fork and at its
	 * end. Then one of its embryos tells them apart (FETCH_EXACTLY), and another template follows.
	 */
	bool exact;
	bool of_child; /* what it knows is of a run from a snapshot that builds on its own, which loaded no
	                  code */
	unsigned taken, ask_at; /* embryos, and how many before one is to tell */
	struct plan_file plan; /* without maps */
	struct list_node ready;
	int ready_count;
	uint64_t used_ns;
	bool anchoring; /* an operation on it is under way */
	bool ended; /* killed; freed once it has hung up and no event can name it */
};

/* The one of s, or NULL. */
struct template *template_find(const struct tender *t, const struct snapshot *s);
/* Makes one of s. before, unless NULL, serves until the new one is mapped. */
void template_replace(struct tender *t, struct template *before, struct snapshot *s,
		      const struct working_set *set, bool of_child);
/* uc, which was to tell pages apart, does not come to it. */
void template_ask_again(struct template *p, const struct uc *uc);

#endif
