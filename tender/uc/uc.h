/* UCs as the tender knows them: table, kill, end. */
#ifndef TENDER_UC_H
#define TENDER_UC_H

#include "context.h"

void uc_table_init(struct tender *t);
/* A deploying, running or demoted UC, or NULL. */
struct uc *uc_find(struct tender *t, uint32_t id);
/* Gives a former embryo, or a demoted UC, its number. */
void uc_insert(struct tender *t, struct uc *uc, uint32_t id);
/* Takes its number away and ends its process, unreported. */
void uc_forsake(struct tender *t, struct uc *uc);

/* Sends SIGKILL; the first reason given is the one reported. */
void uc_kill(struct uc *uc, enum control_exit_reason reason);
struct tracee;
/* Its process could not be stopped: tracee_stop returned error. If that has ended it, or it has to end, so it does. */
void uc_note_stop_failed(struct uc *uc, const struct tracee *tracee, int error);
struct rusage;
/* The process was seen to end, with the results of wait4(2). uc_reap has to follow. */
void uc_note_end(struct uc *uc, int wait_status, const struct rusage *usage);
/* The process has closed its link, so it is ending: reports that once it is seen. */
void uc_reap(struct tender *t, struct uc *uc);
/* Those that took longer. Milliseconds until they are looked at again, or -1. */
int uc_ending_timeout_ms(const struct tender *t);
void uc_reap_late(struct tender *t);
/* Frees what has ended; call when no event of the last batch is left. */
void uc_free_dead(struct tender *t);

#endif
