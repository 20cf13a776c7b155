#include "node/turn.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/base.h"
#include "base/peer_set.h"
#include "capture/capture_later.h"
#include "capture/snapshot_diff.h"
#include "idle/reset.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/spare_layer.h"
#include "peers/peers.h"
#include "start/embryo_pool.h"
#include "start/learning.h"
#include "start/template.h"
#include "tender.h"
#include "uc/limits.h"
#include "uc/link_share.h"
#include "uc/uc.h"

#define MS_NS INT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)
/* The pool is refilled when nothing has happened for so long: a running function comes first. */
#define IDLE_MS 2
/* Another tender has not read for a while. */
#define PEERS_RETRY_MS 5

/* While the node does not read, UCs wait on their full links: only the node and peers are heard. */
static void wait_uncongested(struct tender *t, int64_t timeout_ns)
{
	struct timespec limit = { .tv_sec = timeout_ns / SECOND_NS, .tv_nsec = timeout_ns % SECOND_NS };
	struct event_source *sources[1 + PEERS_MAX];
	struct pollfd p[1 + PEERS_MAX];
	int count = 1, n;

	sources[0] = control_source(t, &p[0].events);
	p[0].fd = sources[0]->fd;
	for (int i = 0; i < t->count; i++) {
		struct event_source *peer = peer_source(t, i);

		if (!peer)
			continue;
		p[count] = (struct pollfd){ .fd = peer->fd, .events = POLLIN };
		sources[count++] = peer;
	}
	n = ppoll(p, (nfds_t)count, timeout_ns < 0 ? NULL : &limit, NULL);
	if (n < 0 && errno != EINTR)
		fatal(errno, "ppoll");
	/* POLL… and EPOLL… bits are the same. */
	for (int i = 0; n > 0 && i < count; i++)
		if (p[i].revents)
			sources[i]->ready(t, sources[i], (uint32_t)p[i].revents);
}

/* Negative: never. */
static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int64_t ms_to_ns(int64_t ms)
{
	return ms < 0 ? ms : ms * MS_NS;
}

static int (*const timeouts_ms[])(const struct tender *t) = {
	template_timeout_ms,  snapshot_diff_timeout_ms, resets_timeout_ms,
	uc_ending_timeout_ms, control_timeout_ms,       link_shares_timeout_ms,
};

/*
 * What makes later starts faster, in the order of what it saves. It is done when nothing has happened for a
 * while.
 */
static const struct idle_task {
	bool (*is_wanted)(const struct tender *t);
	void (*step)(struct tender *t);
} idle_tasks[] = {
	{ learning_is_wanted, learning_step },
	{ template_is_wanted, template_work },
	{ pool_wants_more, pool_add_one },
	{ spare_layer_wanted, spare_layer_prepare },
};

/* NULL: there is none. */
static const struct idle_task *wanted_task(const struct tender *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle_tasks); i++)
		if (idle_tasks[i].is_wanted(t))
			return &idle_tasks[i];
	return NULL;
}

static int64_t timeout_ns(struct tender *t)
{
	int64_t ms = -1;

	for (size_t i = 0; i < ARRAY_SIZE(timeouts_ms); i++)
		ms = sooner(ms, timeouts_ms[i](t));
	if (!peers_flush(t))
		ms = sooner(ms, PEERS_RETRY_MS);
	if (wanted_task(t))
		ms = sooner(ms, IDLE_MS);
	return sooner(ms_to_ns(ms), operations_timeout_ns(t));
}

static void idle_work(struct tender *t)
{
	const struct idle_task *task = wanted_task(t);

	if (task)
		task->step(t);
	else
		templates_clear_unused(t);
}

/* A turn's first part: hears what has happened. Whether nothing has, and nothing is under way. */
static bool hear(struct tender *t)
{
	if (control_congested(t)) {
		wait_uncongested(t, sooner(ms_to_ns(limits_timeout_ms(t)), operations_timeout_ns(t)));
		return false;
	}
	return loop_wait(t, timeout_ns(t)) == 0 && !operations_any(t);
}

/* The second: one step of what nobody waits for. */
static void do_one_thing(struct tender *t, bool quiet)
{
	if (snapshot_diff_timeout_ms(t) >= 0)
		snapshot_diff_step(t, quiet);
	else if (quiet && !limits_any_answers(t))
		idle_work(t);
	else if (learning_is_late(t))
		learning_step(t);
}

void turns_run(struct tender *t)
{
	for (;;) {
		do_one_thing(t, hear(t));
		resets_tick(t);
		limits_tick(t);
		link_shares_tick(t);
		capture_later_work(t);
		operations_step(t);
		uc_reap_late(t);
		control_flush(t);
		uc_free_dead(t);
		templates_free_dead(t);
	}
}
