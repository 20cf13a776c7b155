/* Kernel timers: a list sorted by deadline. A UC has few armed at a time. */
#include "thread.h"

static struct list_node armed = { &armed, &armed };

void ktimer_init(struct ktimer *t, void (*func)(struct ktimer *t))
{
	list_init(&t->node);
	t->deadline_ns = DEADLINE_NONE;
	t->func = func;
}

void ktimer_set(struct ktimer *t, u64 deadline_ns)
{
	list_del(&t->node);
	t->deadline_ns = deadline_ns;
	if (deadline_ns == DEADLINE_NONE)
		return;
	struct list_node *pos = armed.prev;
	while (pos != &armed && list_entry(pos, struct ktimer, node)->deadline_ns > deadline_ns)
		pos = pos->prev;
	list_add(&t->node, pos);
}

void ktimer_cancel(struct ktimer *t)
{
	list_del(&t->node);
	t->deadline_ns = DEADLINE_NONE;
}

u64 ktimer_next(void)
{
	return list_empty(&armed) ? DEADLINE_NONE : list_entry(armed.next, struct ktimer, node)->deadline_ns;
}

void ktimer_run(u64 now_ns)
{
	while (!list_empty(&armed)) {
		struct ktimer *t = list_entry(armed.next, struct ktimer, node);
		if (t->deadline_ns > now_ns)
			return;
		ktimer_cancel(t);
		t->func(t);
	}
}
