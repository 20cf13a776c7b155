#include "idle/promote.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/plan.h"
#include "base/base.h"
#include "idle/demote.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "plan/frame.h"
#include "plan/page_changes.h"
#include "plan/plan.h"
#include "process/tracee.h"
#include "start/start.h"
#include "tender.h"
#include "uc/uc.h"

/* The plan of what the UC has of its own; a descriptor or -errno. */
static int own_plan(const struct tender *t, const struct remains *k, uint64_t *bytes)
{
	static uint64_t xstate[TRACEE_XSTATE_MAX / sizeof(uint64_t)] __attribute__((aligned(64)));
	struct frame_source frame = {
		.regs = &k->regs,
		.xstate = xstate,
		.xstate_bytes = t->xstate_bytes,
		.xstate_mask = t->xstate_mask,
		.altstack_base = t->libos.header.altstack_base,
		.altstack_bytes = t->libos.header.altstack_bytes,
	};
	struct plan_difference own = {
		.maps = (const struct plan_map *)k->data,
		.map_count = k->map_count,
		.changes = k->data + k->map_count * sizeof(struct plan_map),
		.change_bytes = k->change_bytes,
	};

	memset(xstate, 0, sizeof xstate);
	page_changes_apply(own.changes + k->change_bytes, k->xstate_bytes, xstate);
	return plan_write_resumed(&own, &frame, now_ns(), bytes);
}

static int begin(struct tender *t, struct uc *demoted, const struct control_frame *frame)
{
	struct start start;
	uint64_t bytes;
	int error, plan;

	if (uc_count(t) >= t->uc_max)
		return -EAGAIN;
	error = start_take(t, demoted->origin, &start);
	if (error)
		return error;
	plan = own_plan(t, demoted->remains, &bytes);
	if (plan < 0) {
		/* As any embryo, it is freed when it has ended. */
		uc_kill(start.uc, CONTROL_EXIT_KILLED);
		return plan;
	}
	start_add_plan(&start, plan, bytes);
	start.uc->earlier_cpu_ns = demoted->remains->cpu_ns;
	/* What it touches now is no working set of the function. */
	start.uc->learn.done = true;
	list_del(&demoted->node);
	start_send(t, &start, frame, demoted->memory_limit, demoted->traced);
	demoted_free(t, demoted);
	close(plan);
	return 0;
}

void promote_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	int error = 0;

	(void)payload;
	if (!uc) {
		error = -ESRCH;
	} else if (uc->state == UC_DEMOTED) {
		error = begin(t, uc, frame);
	} else if (uc->state == UC_RUNNING) {
		struct control_started has = { 0 };

		/* Its demotion may be under way. */
		operation_cancel(&uc->subject, -EBUSY);
		control_ok(t, frame->uc, frame->seq, &has, sizeof has);
	} else {
		error = -EBUSY;
	}
	if (error)
		control_error(t, frame->uc, frame->seq, -error, "promotion of UC %u: %s", frame->uc,
			      strerror(-error));
}
