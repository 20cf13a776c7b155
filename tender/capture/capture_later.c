#include "capture/capture_later.h"

#include <errno.h>

#include "abi/control.h"
#include "base/base.h"
#include "loop/control.h"
#include "tender.h"
#include "uc/uc.h"

void capture_later_request(struct tender *t, const struct control_frame *frame, const struct control_capture *request)
{
	struct uc *uc = uc_find(t, frame->uc);

	if (!uc || uc->state == UC_DEMOTED || uc->capture.seq) {
		control_error(t, frame->uc, frame->seq, uc ? EBUSY : ESRCH, "capture of UC %u: %s", frame->uc,
			      uc ? "it is demoted, or about to be captured" : "there is none");
		return;
	}
	uc->capture = *frame;
	uc->capture_how = *request;
	uc->capture_how.flags &= ~CONTROL_CAPTURE_AT_ANSWER;
	list_init(&uc->capturing);
}

void capture_later_note_answer(struct tender *t, struct uc *uc)
{
	if (!uc->capture.seq)
		return;
	list_del(&uc->capturing);
	list_add_tail(&uc->capturing, &t->captures);
}

void capture_later_work(struct tender *t)
{
	if (!list_empty(&t->captures))
		control_flush(t);
	while (!list_empty(&t->captures)) {
		struct uc *uc = list_entry(t->captures.next, struct uc, capturing);
		struct control_frame frame = uc->capture;

		list_del(&uc->capturing);
		uc->capture.seq = 0;
		control_handle(t, &frame, (const char *)&uc->capture_how);
	}
}

void capture_later_give_up(struct tender *t, struct uc *uc)
{
	if (!uc->capture.seq)
		return;
	control_error(t, uc->id, uc->capture.seq, ESRCH, "capture of UC %u: it has ended", uc->id);
	list_del(&uc->capturing);
	uc->capture.seq = 0;
}
