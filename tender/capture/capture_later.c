#include "capture/capture_later.h"

#include <errno.h>

#include "abi/control.h"
#include "base/base.h"
#include "loop/control.h"
#include "tender.h"
#include "uc/uc.h"

void captures_later_init(struct tender *t)
{
	list_init(&t->captures);
}

void capture_later_request(struct tender *t, const struct control_frame *frame,
			   const struct control_capture *request)
{
	struct uc *uc = uc_find(t, frame->uc);

	if (!uc || uc->state == UC_DEMOTED || uc->capture.frame.seq) {
		control_error(t, frame->uc, frame->seq, uc ? EBUSY : ESRCH, "capture of UC %u: %s", frame->uc,
			      uc ? "it is demoted, or about to be captured" : "there is none");
		return;
	}
	uc->capture.frame = *frame;
	uc->capture.how = *request;
	uc->capture.how.flags &= ~CONTROL_CAPTURE_AT_ANSWER;
	list_init(&uc->capture.waiting);
}

void capture_later_note_answer(struct tender *t, struct uc *uc)
{
	if (!uc->capture.frame.seq)
		return;
	list_del(&uc->capture.waiting);
	list_add_tail(&uc->capture.waiting, &t->captures);
}

void capture_later_work(struct tender *t)
{
	if (!list_empty(&t->captures))
		control_flush(t);
	while (!list_empty(&t->captures)) {
		struct uc *uc = list_entry(t->captures.next, struct uc, capture.waiting);
		struct control_frame frame = uc->capture.frame;

		list_del(&uc->capture.waiting);
		uc->capture.frame.seq = 0;
		control_handle(t, &frame, (const char *)&uc->capture.how);
	}
}

void capture_later_give_up(struct tender *t, struct uc *uc)
{
	if (!uc->capture.frame.seq)
		return;
	control_error(t, uc->id, uc->capture.frame.seq, ESRCH, "capture of UC %u: it has ended", uc->id);
	list_del(&uc->capture.waiting);
	uc->capture.frame.seq = 0;
}
