/* epoll(7): instances, control and waiting. */
#include "epoll.h"
#include "time/clock.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "anon.h"
#include "mm/mm.h"
#include "pollset.h"
#include "sys/calls.h"
#include "time/timespec.h"

#define EPOLL_NEST_MAX 4 /* epolls below an epoll, as Linux's EP_MAX_NESTS */
#define EPOLL_EVENTS_MAX (INT32_MAX / (int)sizeof(struct epoll_event))
#define EPOLL_EXCLUSIVE_OK (EPOLLIN | EPOLLOUT | EPOLL_UNASKED | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* Takes all of from to the empty list to. */
static void list_take(struct list_node *from, struct list_node *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	list_add(to, from);
	list_del(from);
}

/* Puts what is left of from before everything in to. */
static void list_put_back(struct list_node *from, struct list_node *to)
{
	while (!list_empty(from)) {
		struct list_node *n = from->prev;

		list_del(n);
		list_add(n, to);
	}
}

static u32 epoll_poll(struct file *f, struct poll_ctx *ctx)
{
	struct epoll *ep = f->priv;

	poll_wait(ctx, &ep->pollers);
	list_for_each_safe(n, tmp, &ep->ready) {
		struct epoll_item *it = list_entry(n, struct epoll_item, ready);

		if (epoll_item_poll(it, NULL))
			return EPOLLIN | EPOLLRDNORM;
		list_del(n);
	}
	return 0;
}

static int epoll_stat(struct file *f, struct stat *st)
{
	struct epoll *ep = f->priv;

	return anon_stat(st, S_ANON_MODE, ep->ino);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;

	while (!list_empty(&ep->items))
		epoll_item_delete(list_entry(ep->items.next, struct epoll_item, of_epoll));
	kfree(ep);
}

const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.stat = epoll_stat,
	.release = epoll_release,
};

static long epoll_new(u32 flags)
{
	struct epoll *ep = kzalloc(sizeof *ep);

	if (!ep)
		return -ENOMEM;
	list_init(&ep->items);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	waitq_init(&ep->pollers);
	ep->ino = anon_next_ino();
	int fd = anon_install(&epoll_ops, O_RDWR, ep, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		kfree(ep);
	else
		ep->file = fd_peek(fd);
	return fd;
}

long sys_epoll_create(const u64 a[6])
{
	return (int)a[0] > 0 ? epoll_new(0) : -EINVAL;
}

long sys_epoll_create1(const u64 a[6])
{
	return a[0] & ~(u64)EPOLL_CLOEXEC ? -EINVAL : epoll_new(a[0]);
}

/* Epolls below ep, itself included; past the limit when stop is among them. */
static int epoll_depth(struct epoll *ep, const struct epoll *stop, int level)
{
	int depth = 1;

	if (ep == stop || level > EPOLL_NEST_MAX)
		return EPOLL_NEST_MAX + 2;
	list_for_each(n, &ep->items) {
		struct epoll_item *it = list_entry(n, struct epoll_item, of_epoll);

		if (it->file->ops == &epoll_ops)
			depth = MAX(depth, 1 + epoll_depth(it->file->priv, stop, level + 1));
	}
	return depth;
}

/* Epolls above ep. */
static int epoll_height(struct epoll *ep, int level)
{
	int height = 0;

	if (level > EPOLL_NEST_MAX)
		return EPOLL_NEST_MAX + 1;
	list_for_each(n, &ep->file->epoll_items) {
		struct epoll *above = list_entry(n, struct epoll_item, of_file)->epoll;

		height = MAX(height, 1 + epoll_height(above, level + 1));
	}
	return height;
}

static int epoll_ctl_add(struct file *epf, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll *ep = epf->priv;

	if (ev->events & EPOLLEXCLUSIVE && (ev->events & ~(u32)EPOLL_EXCLUSIVE_OK || f->ops == &epoll_ops))
		return -EINVAL;
	if (f->ops == &epoll_ops && epoll_depth(f->priv, ep, 0) + epoll_height(ep, 0) > EPOLL_NEST_MAX)
		return -ELOOP;
	return epoll_item_add(ep, f, fd, ev->events, ev->data);
}

static int epoll_ctl(struct file *epf, struct file *f, int op, int fd, const struct epoll_event *ev)
{
	struct epoll_item *it;

	if (!f->ops->poll)
		return -EPERM;
	if (f == epf || epf->ops != &epoll_ops)
		return -EINVAL;
	it = epoll_item_find(epf->priv, f, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		return it ? -EEXIST : epoll_ctl_add(epf, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		epoll_item_delete(it);
		return 0;
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if ((it->events | ev->events) & EPOLLEXCLUSIVE)
			return -EINVAL;
		epoll_item_modify(it, ev->events, ev->data);
		return 0;
	}
	return -EINVAL;
}

long sys_epoll_ctl(const u64 a[6])
{
	struct epoll_event ev = { 0 };

	if ((int)a[1] != EPOLL_CTL_DEL && copy_from_user(&ev, a[3], sizeof ev))
		return -EFAULT;
	struct file *epf = fd_peek(a[0]), *f = fd_peek(a[2]);
	if (!epf || !f)
		return -EBADF;
	return epoll_ctl(epf, f, a[1], a[2], &ev);
}

/* Reports an item that is ready; 1 reported, 0 was not ready after all, -EFAULT. */
static int epoll_report(struct epoll *ep, struct epoll_item *it, u64 addr)
{
	struct epoll_event ev = { .events = epoll_item_poll(it, NULL), .data = it->data };

	if (!ev.events)
		return 0;
	if (copy_to_user(addr, &ev, sizeof ev)) {
		list_del(&it->ready);
		list_add(&it->ready, &ep->ready);
		return -EFAULT;
	}
	list_del(&it->ready);
	if (it->events & EPOLLONESHOT)
		it->events &= EPOLL_PRIVATE;
	else if (!(it->events & EPOLLET))
		list_add_tail(&it->ready, &ep->ready); /* level: looked at again by the next wait */
	return 1;
}

/* Hands out what is ready now: the number of events, or -EFAULT. */
static int epoll_collect(struct epoll *ep, u64 addr, int max)
{
	struct list_node batch;
	int count = 0, r = 0;

	list_take(&ep->ready, &batch);
	while (count < max && r >= 0 && !list_empty(&batch)) {
		struct epoll_item *it = list_entry(batch.next, struct epoll_item, ready);

		list_del(&it->ready);
		r = epoll_report(ep, it, addr + count * sizeof(struct epoll_event));
		count += r > 0;
	}
	list_put_back(&batch, &ep->ready);
	return count || r >= 0 ? count : r;
}

static int epoll_wait_until(struct epoll *ep, u64 addr, int max, u64 deadline_ns)
{
	struct waiter w;
	int r, why = 0;

	waiter_init(&w, current);
	waitq_add(&ep->wait, &w);
	while (!(r = epoll_collect(ep, addr, max))) {
		if (why == -EINTR)
			r = -EINTR;
		if (why || !deadline_ns)
			break;
		why = sched_block(deadline_ns, true);
	}
	waitq_remove(&w);
	if (!list_empty(&ep->ready))
		waitq_wake_one(&ep->wait, EPOLLIN);
	return r;
}

static long do_epoll_wait(int epfd, u64 addr, int max, u64 deadline_ns)
{
	if (max <= 0 || max > EPOLL_EVENTS_MAX)
		return -EINVAL;
	struct file *f = fd_get(epfd);
	if (!f)
		return -EBADF;
	int r = -EINVAL;
	if (f->ops == &epoll_ops)
		r = epoll_wait_until(f->priv, addr, max, deadline_ns);
	file_put(f);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

static u64 deadline_of_ms(int timeout_ms)
{
	if (timeout_ms < 0)
		return DEADLINE_NONE;
	return timeout_ms ? deadline_after(timeout_ms * NSEC_PER_MSEC) : 0;
}

long sys_epoll_wait(const u64 a[6])
{
	return do_epoll_wait(a[0], a[1], a[2], deadline_of_ms(a[3]));
}

long sys_epoll_pwait(const u64 a[6])
{
	return poll_take_mask(a[4], a[5]) ?: do_epoll_wait(a[0], a[1], a[2], deadline_of_ms(a[3]));
}

long sys_epoll_pwait2(const u64 a[6])
{
	u64 deadline_ns;
	int r = timespec_deadline(a[3], &deadline_ns);

	return r ?: poll_take_mask(a[4], a[5]) ?: do_epoll_wait(a[0], a[1], a[2], deadline_ns);
}
