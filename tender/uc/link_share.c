#include "uc/link_share.h"

#include "base/base.h"
#include "loop/control.h"
#include "tender.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

/* What a frame costs beside its bytes: the tender takes a microsecond for either, the node half of one. */
#define FRAME_BYTES 1024
/* What a UC can say at once, after it was calm for so long: a result of a megabyte, some thousand lines. */
#define STORE_BYTES (2ll << 20)
#define CALM_NS 100000000ull
/*
 * All others, of all tenders of the node: 48 frames, or as many kilobytes, in a millisecond: a quarter of the
 * node's time.
 */
#define NODE_BYTES_PER_MS (48ll << 10)
#define BYTES_PER_MS_MIN (8ll << 10)
/* They have it in turns, of so much at least. */
#define TURN_BYTES (16ll << 10)
/* Time of which nothing was used is lost. */
#define TICK_MS_MAX 4
#define MS_NS 1000000ull

void link_shares_init(struct tender *t)
{
	list_init(&t->shares.waiting);
}

/* A UC that says little never asks the clock. */
bool link_share_use(struct uc *uc, size_t bytes)
{
	uint64_t now;

	uc->share.bytes -= FRAME_BYTES + (int64_t)bytes;
	if (uc->share.bytes >= 0)
		return true;
	now = now_ns();
	if (now - uc->share.used_up_ns >= CALM_NS)
		uc->share.bytes = STORE_BYTES;
	uc->share.used_up_ns = now;
	return uc->share.bytes >= 0;
}

void link_share_await(struct tender *t, struct uc *uc)
{
	if (list_empty(&t->shares.waiting))
		t->shares.given_ns = now_ns();
	if (list_empty(&uc->share.waiting))
		list_add_tail(&uc->share.waiting, &t->shares.waiting);
	link_listen(t, uc);
}

void link_share_forget(struct uc *uc)
{
	list_del(&uc->share.waiting);
}

int link_shares_timeout_ms(const struct tender *t)
{
	return list_empty(&t->shares.waiting) ? -1 : 1;
}

/* One that has sent a long frame waits for several turns. */
static void give_turn(struct tender *t, struct uc *uc, int64_t bytes)
{
	list_del(&uc->share.waiting);
	uc->share.bytes += bytes;
	if (uc->share.bytes < 0)
		list_add_tail(&uc->share.waiting, &t->shares.waiting);
	else
		link_listen(t, uc);
}

void link_shares_tick(struct tender *t)
{
	int64_t per_ms = NODE_BYTES_PER_MS / t->count, bytes, turns = 0;
	uint64_t now, ms;

	if (list_empty(&t->shares.waiting) || control_lags(t))
		return;
	now = now_ns();
	ms = (now - t->shares.given_ns) / MS_NS;
	if (!ms)
		return;
	t->shares.given_ns = now;
	bytes = (int64_t)(ms < TICK_MS_MAX ? ms : TICK_MS_MAX) *
		(per_ms > BYTES_PER_MS_MIN ? per_ms : BYTES_PER_MS_MIN);
	list_for_each(n, &t->shares.waiting)
		if (++turns * TURN_BYTES >= bytes)
			break;
	for (int64_t i = 0; i < turns; i++)
		give_turn(t, list_entry(t->shares.waiting.next, struct uc, share.waiting), bytes / turns);
}
