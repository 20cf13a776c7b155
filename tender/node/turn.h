/* What a tender does, turn by turn. */
#ifndef TENDER_TURN_H
#define TENDER_TURN_H

struct tender;

/* Serves until the node closes the control socket; ends the process. */
void turns_run(struct tender *t) __attribute__((noreturn));

#endif
