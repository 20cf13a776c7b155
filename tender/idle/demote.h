/*
 * Demotion: an idle UC loses its process, and its remains are kept: what differs from a snapshot. Promotion
 * (promote.h) makes a process of that snapshot, which then takes the remains on.
 */
#ifndef TENDER_DEMOTE_H
#define TENDER_DEMOTE_H

#include <stdint.h>
#include <sys/user.h>

struct tender;
struct control_frame;
struct uc;
struct control_stat;

/* What a tender keeps of a demoted UC: its memory and registers. */
struct remains {
	struct user_regs_struct regs;
	uint64_t cpu_ns; /* of its processes so far */
	/*
	 * What data holds: struct plan_map of what it has mapped otherwise than its snapshot; then, both as
	 * of page_changes.h, changes of memory that is so mapped, and of extended state that is all zero.
	 */
	uint64_t map_count, change_bytes, xstate_bytes;
	char data[];
};

/* CONTROL_DEMOTE, answer included. */
void demote_request(struct tender *t, const struct control_frame *frame, const char *payload);

/* CONTROL_STAT of a demoted UC. */
void demoted_stat(const struct uc *uc, struct control_stat *stat);
/* Ends a demoted UC: reports its exit and frees it. */
void demoted_drop(struct tender *t, struct uc *uc);
/* Frees it without a word. */
void demoted_free(struct tender *t, struct uc *uc);

#endif
