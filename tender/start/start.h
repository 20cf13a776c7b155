/* Turning an embryo into a UC: boot and deploy. */
#ifndef TENDER_START_H
#define TENDER_START_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/link.h"

struct tender;
struct control_frame;
struct snapshot;
struct uc;
struct pages;

/* Carry out CONTROL_BOOT and CONTROL_DEPLOY, answer included, which comes with LINK_DEPLOYED. */
void start_boot(struct tender *t, const struct control_frame *frame, const char *payload);
void start_deploy(struct tender *t, const struct control_frame *frame, const char *payload);

/* An embryo that is to become a snapshot, and what it has to be told. */
struct start {
	struct snapshot *snapshot;
	struct uc *uc;
	struct pages *pages; /* that it has mapped, or maps; counted by their snapshot */
	bool maps_layers;    /* their layers go along */
	int compact;         /* snapshots whose words follow, from s up */
	struct link_deploy message;
	int plans[LINK_PLANS_MAX];
};

/* 0 or -errno; start_send has to follow. */
int start_take(struct tender *t, struct snapshot *s, struct start *start);
/* One more plan, after those of the snapshot, of whose lineage at most LINK_PLANS_MAX - 2 are compact. */
void start_add_plan(struct start *start, int plan_fd, uint64_t bytes);
/* The plan of a compact snapshot. 0 or -errno. */
int start_add_words(struct tender *t, struct start *start, struct snapshot *compact);
/*
 * The embryo becomes UC frame->uc, a free number; the answer to the request follows with LINK_DEPLOYED.
 * False: it was answered with an error, and the UC is on its end.
 */
bool start_send(struct tender *t, struct start *start, const struct control_frame *frame,
		uint64_t memory_limit, uint32_t trace);

/*
 * Tells a UC what to become, the last step of start_send: it gets a new number of its deploy, process id and
 * randomness. The answer to the request comes with LINK_DEPLOYED.
 */
void start_tell(struct tender *t, struct start *start, uint32_t seq, uint64_t memory_limit, uint32_t trace);

#endif
