#include "template.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "anchor.h"
#include "descriptors.h"
#include "embryo_pool.h"
#include "events.h"
#include "optimisations.h"
#include "plan.h"
#include "snapshot.h"
#include "uc.h"
#include "working_set.h"

#define TEMPLATES_MAX 64
/* Deploys of a snapshot that make another likely: a template costs as much as a few of them. */
#define LEARN_AFTER 2
/* Embryos that stand ready for one snapshot, and how long after its last use. */
#define READY_TARGET 2
#define READY_KEEP_NS 5000000000ull
#define CHECK_MS 1000
#define IDLE_MS 2
/* Deploys without a pause in which an embryo of a template that is not exact could stand ready for one of them. */
#define EXACT_AFTER 16
#define ASK_AGAIN_AFTER 64

struct template {
	struct event_source source; /* its command socket */
	struct list_node node;      /* the one used last at the end */
	struct snapshot *snapshot;
	struct zygote zygote;
	bool mapped; /* it has said so */
	/*
	 * It knows the pages that a run needs. At first it has those of a run for which the kernel mapped others around
	 * them, several times as many, which would cost every embryo at its fork and at its end. Then one of its embryos
	 * tells them apart (FETCH_EXACTLY), and another template follows.
	 */
	bool exact;
	unsigned taken, ask_at; /* embryos, and how many before one is to tell */
	struct plan_file plan; /* without maps */
	struct list_node ready;
	int ready_count;
	uint64_t used_ns;
	bool ended; /* freed once no event can name it */
};

void templates_init(struct tender *t)
{
	list_init(&t->templates);
	list_init(&t->dead_templates);
}

static struct template *find(const struct tender *t, const struct snapshot *s)
{
	list_for_each(n, &t->templates) {
		struct template *p = list_entry(n, struct template, node);

		if (p->snapshot == s)
			return p;
	}
	return NULL;
}

static void clear_ready(struct template *p)
{
	list_for_each_safe(n, next, &p->ready) {
		struct uc *uc = list_entry(n, struct uc, node);

		/* Its hangup frees it, as any embryo that ends. */
		list_del(&uc->node);
		uc->template = NULL;
		if (uc->fetch == FETCH_EXACTLY)
			p->ask_at = p->taken;
		uc_kill(uc, CONTROL_EXIT_KILLED);
	}
	p->ready_count = 0;
}

/* Closing the socket ends the process. */
static void end(struct tender *t, struct template *p)
{
	clear_ready(p);
	events_remove(t, &p->source);
	close(p->zygote.sock);
	while (waitpid(p->zygote.pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p->plan.fd);
	list_del(&p->node);
	t->template_count--;
	snapshot_put(p->snapshot);
	p->ended = true;
	list_add_tail(&p->node, &t->dead_templates);
}

void templates_free_dead(struct tender *t)
{
	list_for_each_safe(n, next, &t->dead_templates) {
		list_del(n);
		free(list_entry(n, struct template, node));
	}
}

static void template_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct template *p = container_of(source, struct template, source);
	int error = -EPIPE;

	if (p->ended)
		return;
	if (events & EPOLLIN)
		error = zygote_await(&p->zygote);
	if (error)
		end(t, p);
	else
		p->mapped = true;
	if (!error && p->exact)
		anchor_mappings(p->zygote.pid);
}

static int make(struct tender *t, struct snapshot *s, const struct working_set *set)
{
	struct template *p = xcalloc(1, sizeof *p);
	struct template_sources sources;
	uint64_t plan_bytes;
	int fds[DEPLOY_FDS_MAX], error = descriptors_check();

	p->plan.fd = error ? error : plan_write_other(snapshot_plan(s, &plan_bytes), NULL, 0, &p->plan.bytes);
	if (p->plan.fd < 0) {
		error = p->plan.fd;
	} else {
		snapshot_sources(s, fds, &sources);
		error = zygote_make_template(&t->zygote, &sources, set, &p->zygote);
	}
	if (error) {
		close_if_open(p->plan.fd);
		free(p);
		return error;
	}
	p->source = (struct event_source){ .fd = p->zygote.sock, .ready = template_ready };
	p->snapshot = snapshot_get(s);
	p->exact = set->exact;
	p->used_ns = now_ns();
	list_init(&p->ready);
	list_add_tail(&p->node, &t->templates);
	t->template_count++;
	error = events_add(t, &p->source, EPOLLIN);
	if (error)
		fatal(-error, "template of snapshot %lu", s->number);
	return 0;
}

/* A template for a snapshot that has none, or one that is not exact in place of it. */
static void replace(struct tender *t, struct template *p, const struct uc *uc, const struct working_set *set)
{
	/* The UC may end any time, and the old template holds the snapshot. */
	struct snapshot *s = snapshot_get(uc->origin);

	if (p)
		end(t, p);
	else if (t->template_count >= TEMPLATES_MAX)
		end(t, list_entry(t->templates.next, struct template, node));
	make(t, s, set);
	snapshot_put(s);
}

/* Nothing is to be learned from uc: its snapshot's template knows all, or needs an embryo that tells pages apart. */
static bool is_settled(const struct template *p, const struct uc *uc)
{
	return p && (p->exact || uc->fetch != FETCH_EXACTLY);
}

static void learn(struct tender *t)
{
	struct uc *uc = uc_find(t, t->learn_from);
	struct plan_touch *touches;
	struct template *p;
	long count = 0;

	t->learn_from = 0;
	if (!uc || uc->state != UC_RUNNING || !uc->origin || !snapshot_is_known(uc->origin))
		return;
	p = find(t, uc->origin);
	if (is_settled(p, uc))
		return;
	touches = xcalloc(ZYGOTE_TOUCHES_MAX, sizeof *touches);
	if (!(t->without & OPTIMISATION_WORKING_SET))
		count = working_set_learn(uc, touches, ZYGOTE_TOUCHES_MAX);
	if (count >= 0)
		replace(t, p, uc,
			&(struct working_set){ touches, (uint32_t)count, p || t->without & OPTIMISATION_WORKING_SET });
	else if (p)
		p->exact = true; /* as far as can be told */
	free(touches);
}

/* A UC of the runtime loads a function's code first, and then runs it as well. */
static unsigned answers_of_working_set(const struct uc *uc)
{
	return uc->origin && !uc->origin->parent ? 2 : 1;
}

void template_note_answer(struct tender *t, struct uc *uc)
{
	if (uc->learned || ++uc->answers < answers_of_working_set(uc))
		return;
	uc->learned = true;
	if (t->without & OPTIMISATION_TEMPLATES || !uc->origin || uc->origin->deploys < LEARN_AFTER)
		return;
	if (!t->learn_from && !is_settled(find(t, uc->origin), uc))
		t->learn_from = uc->id;
}

/* What was asked for may have ended without an answer. */
static enum embryo_fetch next_fetch(struct template *p, enum embryo_fetch other)
{
	if (p->exact || p->taken < p->ask_at)
		return other;
	p->ask_at = p->taken + ASK_AGAIN_AFTER;
	return FETCH_EXACTLY;
}

int template_take(struct tender *t, const struct snapshot *s, struct uc **uc, struct plan_file *plan)
{
	struct template *p = find(t, s);
	int error = 0;

	if (!p || !p->mapped)
		return -ENOENT;
	p->used_ns = now_ns();
	p->taken++;
	list_del(&p->node);
	list_add_tail(&p->node, &t->templates);
	if (list_empty(&p->ready)) {
		error = embryo_make(t, &p->zygote, p->taken > EXACT_AFTER ? next_fetch(p, FETCH_NOTHING) : FETCH_NOTHING, uc);
	} else {
		*uc = list_entry(p->ready.next, struct uc, node);
		list_del(&(*uc)->node);
		p->ready_count--;
	}
	if (error)
		return error;
	(*uc)->template = NULL;
	if (plan)
		*plan = p->plan;
	return 0;
}

void template_drop(struct tender *t, const struct snapshot *s)
{
	struct template *p = find(t, s);

	if (p)
		end(t, p);
}

void template_lost(struct tender *t, struct uc *uc)
{
	(void)t;
	if (uc->template)
		uc->template->ready_count--;
}

/* The one used last whose embryos are too few. */
static struct template *wanting(const struct tender *t, uint64_t now)
{
	struct template *found = NULL;

	list_for_each(n, &t->templates) {
		struct template *p = list_entry(n, struct template, node);

		if (p->mapped && p->ready_count < READY_TARGET && now - p->used_ns < READY_KEEP_NS)
			found = p;
	}
	return t->uc_count < t->uc_max ? found : NULL;
}

static bool any_ready(const struct tender *t)
{
	list_for_each(n, &t->templates)
		if (list_entry(n, struct template, node)->ready_count)
			return true;
	return false;
}

int template_timeout_ms(const struct tender *t)
{
	if (t->learn_from)
		return IDLE_MS;
	if (list_empty(&t->templates))
		return -1;
	if (wanting(t, now_ns()))
		return IDLE_MS;
	return any_ready(t) ? CHECK_MS : -1;
}

static void make_ready(struct tender *t, struct template *p)
{
	struct uc *uc;

	if (embryo_make(t, &p->zygote, next_fetch(p, FETCH_ALL), &uc))
		return;
	uc->made_ns = 0;
	uc->template = p;
	list_add_tail(&uc->node, &p->ready);
	p->ready_count++;
}

void template_work(struct tender *t)
{
	uint64_t now = now_ns();
	struct template *p;

	if (t->learn_from) {
		learn(t);
		return;
	}
	p = wanting(t, now);
	if (p) {
		make_ready(t, p);
		return;
	}
	list_for_each(n, &t->templates) {
		p = list_entry(n, struct template, node);
		if (p->ready_count && now - p->used_ns >= READY_KEEP_NS)
			clear_ready(p);
	}
}
