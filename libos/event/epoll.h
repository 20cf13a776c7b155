/* What epoll.c (instances and waiting) and epoll_item.c (watched files) share. */
#ifndef LIBOS_EVENT_EPOLL_H
#define LIBOS_EVENT_EPOLL_H

#include <linux/eventpoll.h>

#include "thread/thread.h"
#include "vfs/vfs.h"

struct epoll {
	struct list_node items; /* struct epoll_item.of_epoll */
	struct list_node ready; /* struct epoll_item.ready: perhaps ready, in order of arrival */
	struct waitq wait;      /* threads in epoll_wait */
	struct waitq pollers;   /* whoever watches this epoll itself */
	struct file *file;      /* its one open file, not counted */
	u64 ino;
};

struct epoll_waiter {
	struct waiter waiter;
	struct epoll_item *item;
	struct epoll_waiter *next;
};

/* One watched file, as known by one descriptor. */
struct epoll_item {
	struct list_node of_epoll, of_file, ready; /* ready: a list of its own when not ready */
	struct epoll *epoll;
	struct file *file; /* not counted: epoll_file_released comes first */
	int fd;
	u32 events; /* asked for; only EPOLL_PRIVATE bits once a oneshot went off */
	u64 data;
	struct epoll_waiter first;  /* nearly every file has one queue */
	struct epoll_waiter *more;
	bool first_used, no_memory;
};

/* Behaviour, not readiness. */
#define EPOLL_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EPOLL_UNASKED (EPOLLERR | EPOLLHUP)

struct epoll_item *epoll_item_find(struct epoll *ep, struct file *f, int fd);
int epoll_item_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data); /* 0, -ENOMEM */
void epoll_item_modify(struct epoll_item *it, u32 events, u64 data);
void epoll_item_delete(struct epoll_item *it);
/* Readiness of the item's file now, masked by what was asked for. */
u32 epoll_item_poll(struct epoll_item *it, struct poll_ctx *ctx);
/* Puts it on the ready list and wakes who waits for it. */
void epoll_item_ready(struct epoll_item *it);

extern const struct file_ops epoll_ops;

#endif
