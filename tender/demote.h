/*
 * Demotion: an idle UC kept as what differs from a snapshot, without a process. Promotion
 * (promote.h) makes a UC of that snapshot and writes the difference into it.
 */
#ifndef TENDER_DEMOTE_H
#define TENDER_DEMOTE_H

#include <sys/user.h>

#include "context.h"

/* Pages of the extended state, recorded behind the guest's memory, with zeroes as their base. */
#define KEPT_XSTATE_BASE UC_GUEST_END

/* A demoted UC's memory and registers. */
struct kept {
	struct user_regs_struct regs;
	uint32_t xstate_bytes;
	uint64_t cpu_ns, max_rss_bytes; /* of its processes so far */
	uint64_t bytes;                 /* of data: page_delta.h */
	char data[];
};

/* CONTROL_DEMOTE, answer included. */
void demote_request(struct tender *t, const struct control_frame *frame, const char *payload);

/* CONTROL_STAT of a demoted UC. */
void demoted_stat(const struct uc *uc, struct control_stat *stat);
/* Ends a demoted UC: reports its exit and frees it. */
void demoted_drop(struct tender *t, struct uc *uc);
/* Frees it without a word. */
void demoted_free(struct uc *uc);

#endif
