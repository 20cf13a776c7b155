/* Captures that wait for an answer: the node need not hear it first, and ask then. */
#ifndef TENDER_CAPTURE_LATER_H
#define TENDER_CAPTURE_LATER_H

struct tender;
struct control_frame;
struct control_capture;
struct uc;

void captures_later_init(struct tender *t);
/* Carries out CONTROL_CAPTURE with CONTROL_CAPTURE_AT_ANSWER. */
void capture_later_request(struct tender *t, const struct control_frame *frame,
			   const struct control_capture *request);
/* The UC's driver has answered, wholly. */
void capture_later_note_answer(struct tender *t, struct uc *uc);
/* Captures those that have answered; their answers leave for the node first. */
void capture_later_work(struct tender *t);
/* The UC is about to be forgotten. */
void capture_later_give_up(struct tender *t, struct uc *uc);

#endif
