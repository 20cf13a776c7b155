#include "start/learning.h"

#include <errno.h>
#include <stdlib.h>

#include "abi/control.h"
#include "abi/plan.h"
#include "base/base.h"
#include "base/optimisations.h"
#include "loop/operation.h"
#include "memory/snapshot.h"
#include "process/procfs.h"
#include "process/tracee.h"
#include "sandbox/zygote.h"
#include "start/template_own.h"
#include "start/working_set.h"
#include "tender.h"
#include "uc/uc.h"

/* Starts from a snapshot that make another likely: a template costs as much as a few of them. */
#define LEARN_AFTER 2
/* Without a pause it is learned nevertheless: each start with a template saves a third of what that takes. */
#define LEARN_LATEST_NS 10000000ull

/*
 * Whose template a UC can teach: of its snapshot and, while these are compact, its ancestors, the nearest
 * that is started from often. After a restart each function may be started once, all of them from their
 * runtime's template.
 */
static struct snapshot *subject_of(const struct uc *uc)
{
	struct snapshot *s = uc->origin;

	while (s && s->starts < LEARN_AFTER)
		s = s->compact_parent;
	return s;
}

/* Nothing is to be learned from uc for p, its subject's. */
static bool is_settled(const struct template *p, const struct uc *uc)
{
	bool of_child = p && uc->origin != p->snapshot;

	if (!p || (p->of_child && !of_child))
		return false;
	return p->exact || uc->fetch != FETCH_EXACTLY || of_child != p->of_child;
}

static void learn_from(struct tender *t, const struct uc *uc, long count, struct plan_touch *touches)
{
	struct snapshot *s = subject_of(uc);
	struct template *p = s ? template_find(t, s) : NULL;
	bool of_child = uc->origin != s;
	bool exact;

	if (!s || !snapshot_is_known(s) || is_settled(p, uc))
		return;
	/*
	 * An embryo of another template, or of one that knew no loading of code, did not tell all pages
	 * apart.
	 */
	exact = t->without & OPTIMISATION_WORKING_SET ||
		(p && of_child == p->of_child && uc->fetch == FETCH_EXACTLY);
	if (count >= 0)
		template_replace(t, p, s, &(struct working_set){ touches, (uint32_t)count, exact }, of_child);
	else if (p)
		p->exact = true; /* as far as can be told */
}

/*
 * While it stands still: to look at the memory map of a process that changes it, the kernel waits until that
 * is done. One that sleeps does not, and has no time to begin: it has no other core than this one.
 */
static long look_at_memory(struct uc *uc, struct plan_touch *touches)
{
	struct tracee tracee;
	long count;

	if (procfs_state(uc->pid) == 'S')
		return working_set_learn(uc, touches, ZYGOTE_TOUCHES_MAX);
	count = tracee_stop_asleep(&tracee, uc->pid);
	if (count) {
		uc_note_stop_failed(uc, &tracee, (int)count);
		return count;
	}
	count = working_set_learn(uc, touches, ZYGOTE_TOUCHES_MAX);
	tracee_detach(&tracee);
	return count;
}

static void look(struct tender *t, void *job)
{
	struct uc *uc = job;
	struct plan_touch *touches = xcalloc(ZYGOTE_TOUCHES_MAX, sizeof *touches);
	long count = t->without & OPTIMISATION_WORKING_SET ? 0 : look_at_memory(uc, touches);

	/* It may have ended meanwhile, or have a signal on its way to it. */
	if (count != -ESRCH && count != -EBUSY && count != -ETIMEDOUT)
		learn_from(t, uc, count, touches);
	free(touches);
	t->learning.looked_at = 0;
	if (uc->kill.count)
		uc_kill(uc, CONTROL_EXIT_KILLED);
}

void learning_step(struct tender *t)
{
	struct uc *uc = uc_find(t, t->learning.from);
	struct snapshot *s;

	t->learning.from = 0;
	if (!uc || uc->state != UC_RUNNING || uc->subject.operation)
		return;
	s = subject_of(uc);
	if (t->learning.looked_at || !s || !snapshot_is_known(s) || is_settled(template_find(t, s), uc))
		return;
	t->learning.looked_at = uc->id;
	operation_start(t, &uc->subject, look, uc);
}

/* A UC of the runtime loads a function's code first, and then runs it as well. */
static unsigned answers_of_working_set(const struct uc *uc)
{
	return uc->origin && !uc->origin->parent ? 2 : 1;
}

void learning_note_answer(struct tender *t, struct uc *uc)
{
	struct snapshot *s;
	struct template *p;

	if (uc->learn.done || ++uc->learn.answers < answers_of_working_set(uc))
		return;
	uc->learn.done = true;
	s = t->without & OPTIMISATION_TEMPLATES ? NULL : subject_of(uc);
	p = s ? template_find(t, s) : NULL;
	if (!s || is_settled(p, uc))
		return;
	if (t->learning.from) {
		template_ask_again(p, uc);
		return;
	}
	t->learning.from = uc->id;
	t->learning.by_ns = now_ns() + LEARN_LATEST_NS;
}

bool learning_is_wanted(const struct tender *t)
{
	return t->learning.from;
}

bool learning_is_late(const struct tender *t)
{
	return t->learning.from && now_ns() >= t->learning.by_ns;
}

void learning_before_kill(struct tender *t, struct uc *uc)
{
	if (t->learning.from == uc->id)
		learning_step(t);
}

bool learning_is_at(const struct tender *t, const struct uc *uc)
{
	return t->learning.looked_at == uc->id;
}
