/* Waiting on many files at once: the common part of poll and select. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "mm/mm.h"
#include "pollset.h"
#include "signal/signal.h"

#define POLLSET_INLINE 8
#define POLLSET_BLOCK 60

struct waiter_block {
	struct waiter_block *next;
	u32 used;
	struct waiter waiters[POLLSET_BLOCK];
};

/* The queues that the current thread waits on. */
struct pollset {
	struct poll_ctx ctx;
	u32 used;
	bool no_memory;
	struct waiter_block *blocks;
	struct waiter waiters[POLLSET_INLINE];
};

static struct waiter *pollset_waiter(struct pollset *p)
{
	struct waiter_block *b = p->blocks;

	if (p->used < POLLSET_INLINE)
		return &p->waiters[p->used++];
	if (!b || b->used == POLLSET_BLOCK) {
		b = kmalloc(sizeof *b);
		if (!b)
			return NULL;
		b->used = 0;
		b->next = p->blocks;
		p->blocks = b;
	}
	return &b->waiters[b->used++];
}

static void pollset_add(struct poll_ctx *ctx, struct waitq *q)
{
	struct pollset *p = container_of(ctx, struct pollset, ctx);
	struct waiter *w = pollset_waiter(p);

	if (!w) {
		p->no_memory = true;
		return;
	}
	waiter_init(w, current);
	waitq_add(q, w);
}

static void pollset_leave(struct pollset *p)
{
	for (u32 i = 0; i < p->used; i++)
		waitq_remove(&p->waiters[i]);
	while (p->blocks) {
		struct waiter_block *b = p->blocks;

		for (u32 i = 0; i < b->used; i++)
			waitq_remove(&b->waiters[i]);
		p->blocks = b->next;
		kfree(b);
	}
}

u32 file_poll(struct file *f, struct poll_ctx *ctx)
{
	return f->ops->poll ? f->ops->poll(f, ctx) : POLL_ALWAYS;
}

/* Once something is found nothing will be waited for, so no more queues are joined. */
static int pollset_scan(struct poll_item *items, u32 count, struct poll_ctx *ctx)
{
	int found = 0;

	for (u32 i = 0; i < count; i++) {
		struct poll_item *it = &items[i];

		if (it->file)
			it->found = file_poll(it->file, found ? NULL : ctx) & it->want;
		found += it->found != 0;
	}
	return found;
}

int pollset_run(struct poll_item *items, u32 count, u64 deadline_ns)
{
	struct pollset p = { .ctx.add = pollset_add };
	bool expired = !deadline_ns;
	int r = pollset_scan(items, count, expired ? NULL : &p.ctx);

	while (!r && !expired && !p.no_memory) {
		int why = sched_block(deadline_ns, true);

		expired = why == -ETIMEDOUT;
		r = pollset_scan(items, count, NULL);
		if (!r && why == -EINTR)
			r = -EINTR;
	}
	if (!r && p.no_memory)
		r = -ENOMEM;
	pollset_leave(&p);
	return r;
}

int poll_take_mask(u64 addr, u64 bytes)
{
	sigmask_t mask;

	if (!addr)
		return 0;
	int r = signal_copy_mask(&mask, addr, bytes);
	if (!r)
		signal_set_temporary_mask(mask);
	return r;
}
