/* lib/chacha20.c: ChaCha20 (RFC 8439), the generator behind process/random.c. */
#ifndef LIBOS_CHACHA20_H
#define LIBOS_CHACHA20_H

#include "include/types.h"

#define CHACHA20_BLOCK_BYTES 64

/*
 * One block of key stream. state: four constant words, eight of key, one of counter, three of
 * nonce, as in RFC 8439 section 2.3. The caller steps the counter.
 */
void chacha20_block(const u32 state[16], u8 out[CHACHA20_BLOCK_BYTES]);
/* Fills in the constants; key is 32 bytes, nonce 12, little endian. */
void chacha20_init(u32 state[16], const u8 *key, u32 counter, const u8 *nonce);

#endif
