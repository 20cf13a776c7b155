/*
 * Work on a UC or a snapshot that may take longer than others can wait. It has a stack of its own, so its
 * code reads from top to bottom: where it calls a pause, the tender serves others and goes on with it in a
 * later turn.
 *
 * Across a pause anything may change but what the operation holds: a count on snapshots, pages and images,
 * and its UC, which is neither freed nor reaped before the operation's end and gets no message meanwhile. It
 * can be killed.
 */
#ifndef TENDER_OPERATION_H
#define TENDER_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct tender;
struct control_frame;
struct operation;

typedef void operation_fn(struct tender *t, void *job);

/* What an operation may be about, such as a UC: one at a time. */
struct operation_subject {
	struct operation *operation; /* under way on it, or NULL */
};

struct operation_hooks {
	/* No operation is under way on it any more. */
	void (*over)(struct tender *t, struct operation_subject *subject);
	/*
	 * There is something on this core that may want to run, besides what stands still for an operation.
	 */
	bool (*others_run)(const struct tender *t);
};

struct operations {
	const struct operation_hooks *hooks;
	struct list_node all; /* under way or waiting for their begin */
	uint64_t turn_ns; /* that they have had of this turn */
	uint64_t next_ns; /* when they may have more */
};

void operations_init(struct tender *t, const struct operation_hooks *hooks);
/*
 * Begins work(t, job), which frees job: its first step is made at once, unless this turn has had one already
 * or too many are under way. Then those go first that have taken the least time so far. subject: it has no
 * other operation; or NULL.
 */
void operation_start(struct tender *t, struct operation_subject *subject, operation_fn *work, void *job);
/* A request for what has an operation is carried out after that. */
void operation_defer(struct operation_subject *subject, const struct control_frame *frame,
		     const char *payload);
/* Requests wait so. */
bool operation_has_deferred(const struct operation_subject *subject);
/* The operation has no more to do with its subject. */
void operation_let_go(void);
/* Has the subject's operation, if there is one, end soon: error is what its pauses return from now on. */
void operation_cancel(struct operation_subject *subject, int error);

/* ---- within an operation; elsewhere they do nothing ---- */

/* Lets others have their turn if its own is over. 0, or why it was cancelled. */
int operation_pause_if_due(void);
/* Goes on after ns: sleeps if that fits into the turn, else pauses for a millisecond or more. As above. */
int operation_sleep(uint64_t ns);
/* Waits for news of a child of the tender, or for a while. As above. */
int operation_await_child(void);
/* Time that the operation has held the tender up so far. */
uint64_t operation_used_ns(void);
/*
 * Memory until its end, whose pages mostly stay from one operation to the next: fresh ones would fault each
 * time.
 */
void *operation_buffer(size_t bytes);

/* ---- the turns ---- */

/* Until operations_step has something to do; -1: nothing is under way. */
int64_t operations_timeout_ns(const struct tender *t);
/* One is under way, or waits for its begin. */
bool operations_any(const struct tender *t);
/* One step of one operation, if it is time for that. To be called once in each turn. */
void operations_step(struct tender *t);

#endif
