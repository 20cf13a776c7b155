/* process/random.c: the random pool behind getrandom(2), /dev/urandom and AT_RANDOM. */
#ifndef LIBOS_RANDOM_H
#define LIBOS_RANDOM_H

#include "include/types.h"

#define RANDOM_SEED_BYTES 64

/*
 * Replaces the pool by one that follows from entropy alone. At boot, and in each deployed UC before
 * guest code runs: clones of one snapshot hold the same pool until then.
 */
void random_reseed(const u8 entropy[RANDOM_SEED_BYTES]);
/* Fills buf. Earlier output cannot be told from a later state of the pool. */
void random_bytes(void *buf, size_t bytes);

#endif
