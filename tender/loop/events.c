#include "loop/events.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "capture/capture_later.h"
#include "capture/snapshot_diff.h"
#include "idle/reset.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/spare_layer.h"
#include "peers/peers.h"
#include "start/embryo_pool.h"
#include "start/template.h"
#include "uc/limits.h"
#include "uc/link_share.h"
#include "uc/uc.h"

#define BATCH 64
#define MS_NS INT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)
/* The pool is refilled when nothing has happened for so long: a running function comes first. */
#define IDLE_MS 2
/* One that has not answered after so long most likely waits itself. */
#define RUN_NS 20000000ull
/* Another tender has not read for a while. */
#define PEERS_RETRY_MS 5

int events_add(struct tender *t, struct event_source *source, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, source->fd, &e) < 0 ? -errno : 0;
}

void events_change(struct tender *t, struct event_source *source, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	if (epoll_ctl(t->epoll, EPOLL_CTL_MOD, source->fd, &e) < 0)
		fatal(errno, "EPOLL_CTL_MOD");
}

void events_remove(struct tender *t, struct event_source *source)
{
	if (epoll_ctl(t->epoll, EPOLL_CTL_DEL, source->fd, NULL) < 0)
		fatal(errno, "EPOLL_CTL_DEL");
	/* Handling one event may remove, and free, the source of another that came with it. */
	for (int i = 0; i < t->reported_count; i++)
		if (t->reported[i].data.ptr == source)
			t->reported[i].data.ptr = NULL;
}

static int wait_all(struct tender *t, int64_t timeout_ns)
{
	struct timespec limit = { .tv_sec = timeout_ns / SECOND_NS, .tv_nsec = timeout_ns % SECOND_NS };
	struct epoll_event events[BATCH];
	int n = epoll_pwait2(t->epoll, events, BATCH, timeout_ns < 0 ? NULL : &limit, NULL);

	if (n < 0 && errno != EINTR)
		fatal(errno, "epoll_pwait2");
	t->reported = events;
	t->reported_count = n > 0 ? n : 0;
	for (int i = 0; i < n; i++) {
		struct event_source *source = events[i].data.ptr;

		if (source)
			source->ready(t, source, events[i].events);
	}
	t->reported_count = 0;
	return n;
}

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

static int64_t timeout_ns(struct tender *t)
{
	int64_t ms = sooner(template_timeout_ms(t), snapshot_diff_timeout_ms(t));

	ms = sooner(ms, sooner(resets_timeout_ms(t), uc_ending_timeout_ms(t)));
	ms = sooner(ms, sooner(control_timeout_ms(t), link_shares_timeout_ms(t)));
	if (!peers_flush(t))
		ms = sooner(ms, PEERS_RETRY_MS);
	if (template_is_wanted(t) || pool_wants_more(t) || spare_layer_wanted(t))
		ms = sooner(ms, IDLE_MS);
	return sooner(ms_to_ns(ms), operations_timeout_ns(t));
}

/* Whether a UC of this core is about to answer: what it takes then is somebody's time. */
static bool is_one_running(const struct tender *t)
{
	uint64_t now = now_ns();

	list_for_each(n, &t->watched) {
		const struct uc *uc = list_entry(n, struct uc, watched);

		if (uc->asked_ns && now - uc->asked_ns < RUN_NS)
			return true;
	}
	return false;
}

/* Nothing has happened for a while: what makes later starts faster. */
static void idle_work(struct tender *t)
{
	if (template_is_wanted(t))
		template_work(t);
	else if (pool_wants_more(t))
		pool_add_one(t);
	else if (spare_layer_wanted(t))
		spare_layer_prepare(t);
	else
		template_work(t);
}

void events_run(struct tender *t)
{
	for (;;) {
		bool quiet = false;

		if (control_congested(t))
			wait_uncongested(t, sooner(ms_to_ns(limits_timeout_ms(t)), operations_timeout_ns(t)));
		else
			quiet = wait_all(t, timeout_ns(t)) == 0 && list_empty(&t->operations);
		if (snapshot_diff_timeout_ms(t) >= 0)
			snapshot_diff_step(t, quiet);
		else if (quiet && !is_one_running(t))
			idle_work(t);
		else if (template_is_late(t))
			template_work(t);
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
