/* Wait queues. */
#include "thread.h"

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
}

void waiter_init(struct waiter *w, struct thread *t)
{
	list_init(&w->node);
	w->thread = t;
	w->func = NULL;
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	list_add_tail(&w->node, &q->waiters);
}

void waitq_remove(struct waiter *w)
{
	list_del(&w->node);
}

static void waiter_wake(struct waiter *w, u32 events)
{
	if (w->func)
		w->func(w, events);
	else
		sched_wake(w->thread);
}

/* Moves through the queue by re-queueing, since func may remove any waiter. */
void waitq_wake(struct waitq *q, u32 events)
{
	struct list_node pass;

	list_init(&pass);
	while (!list_empty(&q->waiters)) {
		struct list_node *n = q->waiters.next;
		list_del(n);
		list_add_tail(n, &pass);
	}
	while (!list_empty(&pass)) {
		struct list_node *n = pass.next;
		list_del(n);
		list_add_tail(n, &q->waiters);
		waiter_wake(list_entry(n, struct waiter, node), events);
	}
}

void waitq_wake_one(struct waitq *q, u32 events)
{
	if (list_empty(&q->waiters))
		return;
	struct list_node *n = q->waiters.next;
	list_del(n);
	list_add_tail(n, &q->waiters);
	waiter_wake(list_entry(n, struct waiter, node), events);
}

int waitq_wait(struct waitq *q, u64 deadline_ns, bool interruptible)
{
	struct waiter w;

	waiter_init(&w, current);
	waitq_add(q, &w);
	int err = sched_block(deadline_ns, interruptible);
	waitq_remove(&w);
	return err;
}
