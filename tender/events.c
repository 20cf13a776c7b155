#include "events.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "capture_later.h"
#include "control.h"
#include "embryo_pool.h"
#include "limits.h"
#include "link_share.h"
#include "operation.h"
#include "peers.h"
#include "reset.h"
#include "snapshot_diff.h"
#include "spare_layer.h"
#include "template.h"
#include "uc.h"

#define BATCH 64
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

static int wait_all(struct tender *t, int timeout_ms)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(t->epoll, events, BATCH, timeout_ms);

	if (n < 0 && errno != EINTR)
		fatal(errno, "epoll_wait");
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
static void wait_uncongested(struct tender *t, int timeout_ms)
{
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
	n = poll(p, (nfds_t)count, timeout_ms);
	if (n < 0 && errno != EINTR)
		fatal(errno, "poll");
	/* POLL… and EPOLL… bits are the same. */
	for (int i = 0; n > 0 && i < count; i++)
		if (p[i].revents)
			sources[i]->ready(t, sources[i], (uint32_t)p[i].revents);
}

static int sooner(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

static int timeout(struct tender *t)
{
	int ms = sooner(template_timeout_ms(t), snapshot_diff_timeout_ms(t));

	ms = sooner(sooner(ms, resets_timeout_ms(t)), operations_timeout_ms(t));
	ms = sooner(sooner(ms, uc_ending_timeout_ms(t)), sooner(control_timeout_ms(t), link_shares_timeout_ms(t)));
	if (!peers_flush(t))
		ms = sooner(ms, PEERS_RETRY_MS);
	return template_is_wanted(t) || pool_wants_more(t) || spare_layer_wanted(t) ? sooner(ms, IDLE_MS) : ms;
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
			wait_uncongested(t, sooner(limits_timeout_ms(t), operations_timeout_ms(t)));
		else
			quiet = wait_all(t, timeout(t)) == 0 && list_empty(&t->operations);
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
