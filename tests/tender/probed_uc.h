/* UCs that run the probe, as the tests of one tender at a time speak with them. */
#ifndef TESTS_TENDER_PROBED_UC_H
#define TESTS_TENDER_PROBED_UC_H

#include "tender_client.h"

extern struct client client;
extern int tender; /* the one that is spoken with */

/* The call's result; the probe has to answer. */
struct probe_result ask(uint32_t uc, const struct probe_call *call);
/* How often it was asked so. */
uint64_t count(uint32_t uc);
/* The word at addr. */
uint64_t peek(uint32_t uc, uint64_t addr);
void poke(uint32_t uc, uint64_t addr, uint64_t value);
/* CONTROL_KILL. */
void kill_uc(uint32_t uc);
/*
 * CONTROL_DEMOTE once uc is at rest: on a busy machine it may be on its way back to its wait. 0 or the errno
 * of the reply.
 */
int demote_at_rest(uint32_t uc, uint64_t snapshot, struct control_demoted *d);

#endif
