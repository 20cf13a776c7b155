/*
 * Learning of working sets: after an answer it is looked at what a UC has touched, and its snapshot gets a
 * template that knows that. It is done in a pause, unless there is none for long.
 */
#ifndef TENDER_LEARNING_H
#define TENDER_LEARNING_H

#include <stdbool.h>
#include <stdint.h>

struct tender;
struct uc;

struct learning {
	uint32_t from; /* UC whose working set is to be looked at, or 0 */
	uint64_t by_ns;
	uint32_t looked_at; /* UC whose working set is being looked at, or 0: it is killed after that */
};

/*
 * Of a UC's driver: with the first, or what follows the loading of code, its working set is there to be
 * learned.
 */
void learning_note_answer(struct tender *t, struct uc *uc);
/* There is something to look at. */
bool learning_is_wanted(const struct tender *t);
/* And there was no pause to do it in. */
bool learning_is_late(const struct tender *t);
void learning_step(struct tender *t);
/* The last chance to see what it has touched. */
void learning_before_kill(struct tender *t, struct uc *uc);
/* It is being looked at, and killed after that if somebody waits for it. */
bool learning_is_at(const struct tender *t, const struct uc *uc);

#endif
