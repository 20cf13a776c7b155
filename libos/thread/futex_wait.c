/* One thread that waits for a futex, of whichever kind. */
#include <asm/errno.h>

#include "futex.h"
#include "signal/signal.h"
#include "time/clocks.h"

void futex_wake_waiter(struct futex_waiter *w)
{
	list_del(&w->node);
	w->woken = true;
	sched_wake(w->thread);
}

int futex_wait_queued(struct futex_waiter *w, int clock, u64 until)
{
	for (;;) {
		u64 now = 0;
		int r = until == DEADLINE_NONE ? sched_block(DEADLINE_NONE, true)
					       : clock_block(clock, until, true);
		if (w->woken)
			return 0;
		if (until != DEADLINE_NONE && clock_read(clock, &now))
			now = until;
		bool late = until != DEADLINE_NONE && now >= until;
		bool interrupted = r == -EINTR && signal_pending(current);
		if (!late && !interrupted)
			continue;
		list_del(&w->node);
		return late ? -ETIMEDOUT : -EINTR;
	}
}
