#include "start/template.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "abi/control.h"
#include "base/base.h"
#include "base/child.h"
#include "base/descriptors.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "plan/plan.h"
#include "sandbox/zygote.h"
#include "start/anchor.h"
#include "start/embryo_pool.h"
#include "start/template_own.h"
#include "tender.h"
#include "uc/uc.h"

/* Each is a process with the page tables of a snapshot. */
#define TEMPLATES_MAX 64
/* Embryos that stand ready for one snapshot, and how long after its last use. */
#define READY_TARGET 2
#define READY_KEEP_NS 5000000000ull
#define CHECK_MS 1000
/*
 * Deploys without a pause in which an embryo of a template that is not exact could stand ready for one of
 * them.
 */
#define EXACT_AFTER 16
#define ASK_AGAIN_AFTER 64
/* One that has closed its socket ends within microseconds, most of the time. */
#define END_WAIT_NS 200000

void templates_init(struct tender *t)
{
	list_init(&t->templates.all);
	list_init(&t->templates.dead);
}

struct template *template_find(const struct tender *t, const struct snapshot *s)
{
	list_for_each(n, &t->templates.all) {
		struct template *p = list_entry(n, struct template, node);

		if (p->snapshot == s)
			return p;
	}
	return NULL;
}

void template_ask_again(struct template *p, const struct uc *uc)
{
	if (p && uc->fetch == FETCH_EXACTLY)
		p->ask_at = p->taken;
}

static void clear_ready(struct template *p)
{
	list_for_each_safe(n, next, &p->ready) {
		struct uc *uc = list_entry(n, struct uc, node);

		/* Its hangup frees it, as any embryo that ends. */
		list_del(&uc->node);
		uc->template = NULL;
		template_ask_again(p, uc);
		uc_kill(uc, CONTROL_EXIT_KILLED);
	}
	p->ready_count = 0;
}

/* It takes the kernel a while to clear away the memory of a process: nobody waits for that. */
static void kill_process(struct tender *t, struct template *p)
{
	clear_ready(p);
	kill(p->zygote.pid, SIGKILL);
	loop_change(t, &p->source, 0);
	close(p->plan.fd);
	snapshot_put(p->snapshot);
	p->ended = true;
}

/* Its socket was the last that it had. */
static void reap(struct tender *t, struct template *p)
{
	struct rusage usage;
	int status;

	/* The hangup is told again until then. */
	if (p->anchoring || !child_await_end(p->zygote.pid, END_WAIT_NS, &status, &usage))
		return;
	loop_remove(t, &p->source);
	close(p->zygote.sock);
	list_add_tail(&p->node, &t->templates.dead);
}

static void take_off_list(struct tender *t, struct template *p)
{
	list_del(&p->node);
	t->templates.count--;
}

static void end(struct tender *t, struct template *p)
{
	if (p->before)
		end(t, p->before);
	if (p->after)
		p->after->before = NULL;
	else
		take_off_list(t, p);
	kill_process(t, p);
}

void templates_free_dead(struct tender *t)
{
	list_for_each_safe(n, next, &t->templates.dead) {
		list_del(n);
		free(list_entry(n, struct template, node));
	}
}

static void anchor(struct tender *t, void *job)
{
	struct template *p = job;

	(void)t;
	anchor_mappings(p->zygote.pid);
	p->anchoring = false;
}

static void template_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct template *p = container_of(source, struct template, source);
	int error = -EPIPE;

	if (p->ended) {
		if (events & (EPOLLHUP | EPOLLERR))
			reap(t, p);
		return;
	}
	if (events & EPOLLIN)
		error = zygote_await(&p->zygote);
	if (error) {
		end(t, p);
		return;
	}
	p->mapped = true;
	if (p->before)
		end(t, p->before);
	p->anchoring = p->exact;
	if (p->exact)
		operation_start(t, NULL, anchor, p);
}

/* The new one, or NULL. */
static struct template *make(struct tender *t, struct snapshot *s, const struct working_set *set)
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
		return NULL;
	}
	p->source = (struct event_source){ .fd = p->zygote.sock, .ready = template_ready };
	p->snapshot = snapshot_get(s);
	p->exact = set->exact;
	p->used_ns = now_ns();
	list_init(&p->ready);
	list_add_tail(&p->node, &t->templates.all);
	t->templates.count++;
	error = loop_add(t, &p->source, EPOLLIN);
	if (error)
		fatal(-error, "template of snapshot %lu", s->number);
	return p;
}

void template_replace(struct tender *t, struct template *before, struct snapshot *s,
		      const struct working_set *set, bool of_child)
{
	struct template *p;

	if (!before && t->templates.count >= TEMPLATES_MAX)
		end(t, list_entry(t->templates.all.next, struct template, node));
	p = make(t, s, set);
	if (!p)
		return;
	p->of_child = of_child;
	if (!before)
		return;
	if (!before->mapped) {
		end(t, before);
		return;
	}
	take_off_list(t, before);
	before->after = p;
	p->before = before;
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
	struct template *p = template_find(t, s);
	int error = 0;

	if (!p)
		return -ENOENT;
	p->used_ns = now_ns();
	list_del(&p->node);
	list_add_tail(&p->node, &t->templates.all);
	p = p->before ? p->before : p;
	if (!p->mapped)
		return -ENOENT;
	p->taken++;
	if (list_empty(&p->ready)) {
		error = embryo_make(t, &p->zygote,
				    p->taken > EXACT_AFTER ? next_fetch(p, FETCH_NOTHING) : FETCH_NOTHING,
				    uc);
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
	struct template *p = template_find(t, s);

	if (p)
		end(t, p);
}

void template_lost(struct uc *uc)
{
	if (uc->template)
		uc->template->ready_count--;
}

/* The one used last whose embryos are too few. */
static struct template *wanting(const struct tender *t, uint64_t now)
{
	struct template *found = NULL;

	list_for_each(n, &t->templates.all) {
		struct template *p = list_entry(n, struct template, node);

		if (p->mapped && p->ready_count < READY_TARGET && now - p->used_ns < READY_KEEP_NS)
			found = p;
	}
	return uc_count(t) < t->uc_max ? found : NULL;
}

static bool any_ready(const struct tender *t)
{
	list_for_each(n, &t->templates.all)
		if (list_entry(n, struct template, node)->ready_count)
			return true;
	return false;
}

int template_timeout_ms(const struct tender *t)
{
	return any_ready(t) ? CHECK_MS : -1;
}

bool template_is_wanted(const struct tender *t)
{
	return wanting(t, now_ns());
}

void templates_clear_unused(struct tender *t)
{
	uint64_t now = now_ns();

	list_for_each(n, &t->templates.all) {
		struct template *p = list_entry(n, struct template, node);

		if (p->ready_count && now - p->used_ns >= READY_KEEP_NS)
			clear_ready(p);
	}
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
	struct template *p = wanting(t, now_ns());

	if (p)
		make_ready(t, p);
}
