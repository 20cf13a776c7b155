#include "node/hooks.h"

#include "base/base.h"
#include "capture/capture_later.h"
#include "idle/reset.h"
#include "peers/peers.h"
#include "start/embryo_pool.h"
#include "start/learning.h"
#include "start/template.h"
#include "uc/limits.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

static void operation_over(struct tender *t, struct operation_subject *subject)
{
	link_go_on(t, container_of(subject, struct uc, subject));
}

const struct operation_hooks operation_hooks = {
	.over = operation_over,
	.others_run = limits_any_runs,
};

const struct memory_hooks memory_hooks = {
	.snapshot_changed = template_drop,
	.packed_let_go = peers_release,
};

static void uc_answered(struct tender *t, struct uc *uc, bool whole)
{
	learning_note_answer(t, uc);
	if (whole)
		capture_later_note_answer(t, uc);
}

static void uc_ended(struct tender *t, struct uc *uc)
{
	reset_give_up(t, uc);
	capture_later_give_up(t, uc);
}

static void uc_embryo_lost(struct tender *t, struct uc *uc)
{
	pool_lost(t, uc);
	template_lost(uc);
}

const struct uc_hooks uc_hooks = {
	.answered = uc_answered,
	.ended = uc_ended,
	.embryo_lost = uc_embryo_lost,
};
