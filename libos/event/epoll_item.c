/* epoll(7): watched files and how they become ready. */
#include <asm/errno.h>

#include "epoll.h"
#include "include/upcalls.h"
#include "mm/mm.h"

struct epoll_item *epoll_item_find(struct epoll *ep, struct file *f, int fd)
{
	list_for_each(n, &f->epoll_items) {
		struct epoll_item *it = list_entry(n, struct epoll_item, of_file);

		if (it->epoll == ep && it->fd == fd)
			return it;
	}
	return NULL;
}

u32 epoll_item_poll(struct epoll_item *it, struct poll_ctx *ctx)
{
	return it->file->ops->poll(it->file, ctx) & it->events & ~EPOLL_PRIVATE;
}

void epoll_item_ready(struct epoll_item *it)
{
	struct epoll *ep = it->epoll;

	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	waitq_wake_one(&ep->wait, EPOLLIN);
	waitq_wake(&ep->pollers, EPOLLIN | EPOLLRDNORM);
}

/* Called at each wake of a queue that the file of an item waits on. events 0: any. */
static void epoll_item_woken(struct waiter *w, u32 events)
{
	struct epoll_item *it = container_of(w, struct epoll_waiter, waiter)->item;
	u32 wanted = it->events & ~EPOLL_PRIVATE;

	if (wanted && (!events || events & wanted))
		epoll_item_ready(it);
}

struct epoll_join {
	struct poll_ctx ctx;
	struct epoll_item *item;
};

static void epoll_item_join(struct poll_ctx *ctx, struct waitq *q)
{
	struct epoll_item *it = container_of(ctx, struct epoll_join, ctx)->item;
	struct epoll_waiter *w = &it->first;

	if (it->first_used) {
		w = kmalloc(sizeof *w);
		if (!w) {
			it->no_memory = true;
			return;
		}
		w->next = it->more;
		it->more = w;
	}
	it->first_used = true;
	waiter_init(&w->waiter, NULL);
	w->waiter.func = epoll_item_woken;
	w->item = it;
	waitq_add(q, &w->waiter);
}

int epoll_item_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data)
{
	struct epoll_item *it = kzalloc(sizeof *it);

	if (!it)
		return -ENOMEM;
	it->epoll = ep;
	it->file = f;
	it->fd = fd;
	it->events = events | EPOLL_UNASKED;
	it->data = data;
	list_init(&it->ready);
	list_add_tail(&it->of_epoll, &ep->items);
	list_add_tail(&it->of_file, &f->epoll_items);

	struct epoll_join join = { .ctx.add = epoll_item_join, .item = it };
	u32 found = epoll_item_poll(it, &join.ctx);
	if (it->no_memory) {
		epoll_item_delete(it);
		return -ENOMEM;
	}
	if (found)
		epoll_item_ready(it);
	return 0;
}

void epoll_item_modify(struct epoll_item *it, u32 events, u64 data)
{
	it->events = events | EPOLL_UNASKED;
	it->data = data;
	if (epoll_item_poll(it, NULL))
		epoll_item_ready(it);
}

void epoll_item_delete(struct epoll_item *it)
{
	if (it->first_used)
		waitq_remove(&it->first.waiter);
	while (it->more) {
		struct epoll_waiter *w = it->more;

		it->more = w->next;
		waitq_remove(&w->waiter);
		kfree(w);
	}
	list_del(&it->ready);
	list_del(&it->of_file);
	list_del(&it->of_epoll);
	kfree(it);
}

void epoll_file_released(struct file *f)
{
	while (!list_empty(&f->epoll_items))
		epoll_item_delete(list_entry(f->epoll_items.next, struct epoll_item, of_file));
}
