/* process/lineage.c: what a UC must not have in common with the UCs whose memory it continues. */
#ifndef LIBOS_LINEAGE_H
#define LIBOS_LINEAGE_H

#include "include/types.h"

/*
 * The process id of a UC that begins its life as a clone: the proposed one, unless a UC on the way to its
 * snapshot had that (the host counts anew after a restart). Generators in the guest's memory, OpenSSL's for
 * one, tell a new life by a new process id.
 * @before: the id that the captured UC had
 */
u32 lineage_new_pid(u32 before, u32 proposed);

#endif
