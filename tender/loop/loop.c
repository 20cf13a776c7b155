#include "loop/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/base.h"
#include "tender.h"

/* Events of one turn. */
#define BATCH 64
#define SECOND_NS 1000000000

void loop_init(struct tender *t)
{
	t->loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->loop.epoll < 0)
		fatal(errno, "epoll_create1");
}

int loop_add(struct tender *t, struct event_source *source, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	return epoll_ctl(t->loop.epoll, EPOLL_CTL_ADD, source->fd, &e) < 0 ? -errno : 0;
}

void loop_change(struct tender *t, struct event_source *source, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	if (epoll_ctl(t->loop.epoll, EPOLL_CTL_MOD, source->fd, &e) < 0)
		fatal(errno, "EPOLL_CTL_MOD");
}

void loop_remove(struct tender *t, struct event_source *source)
{
	struct loop *loop = &t->loop;

	if (epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL) < 0)
		fatal(errno, "EPOLL_CTL_DEL");
	for (int i = 0; i < loop->reported_count; i++)
		if (loop->reported[i].data.ptr == source)
			loop->reported[i].data.ptr = NULL;
}

int loop_wait(struct tender *t, int64_t timeout_ns)
{
	struct timespec limit = { .tv_sec = timeout_ns / SECOND_NS, .tv_nsec = timeout_ns % SECOND_NS };
	struct epoll_event events[BATCH];
	int n = epoll_pwait2(t->loop.epoll, events, BATCH, timeout_ns < 0 ? NULL : &limit, NULL);

	if (n < 0 && errno != EINTR)
		fatal(errno, "epoll_pwait2");
	t->loop.reported = events;
	t->loop.reported_count = n > 0 ? n : 0;
	for (int i = 0; i < n; i++) {
		struct event_source *source = events[i].data.ptr;

		if (source)
			source->ready(t, source, events[i].events);
	}
	t->loop.reported_count = 0;
	return n;
}
