/* The ChaCha20 block function, RFC 8439 section 2.3. */
#include "chacha20.h"
#include "string.h"

static inline u32 rotate(u32 v, int bits)
{
	return v << bits | v >> (32 - bits);
}

static inline void quarter_round(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b, *d = rotate(*d ^ *a, 16);
	*c += *d, *b = rotate(*b ^ *c, 12);
	*a += *b, *d = rotate(*d ^ *a, 8);
	*c += *d, *b = rotate(*b ^ *c, 7);
}

void chacha20_init(u32 state[16], const u8 *key, u32 counter, const u8 *nonce)
{
	memcpy(state, "expand 32-byte k", 16);
	memcpy(state + 4, key, 32);
	state[12] = counter;
	memcpy(state + 13, nonce, 12);
}

void chacha20_block(const u32 state[16], u8 out[CHACHA20_BLOCK_BYTES])
{
	u32 x[16];

	memcpy(x, state, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(&x[0], &x[4], &x[8], &x[12]);
		quarter_round(&x[1], &x[5], &x[9], &x[13]);
		quarter_round(&x[2], &x[6], &x[10], &x[14]);
		quarter_round(&x[3], &x[7], &x[11], &x[15]);
		quarter_round(&x[0], &x[5], &x[10], &x[15]);
		quarter_round(&x[1], &x[6], &x[11], &x[12]);
		quarter_round(&x[2], &x[7], &x[8], &x[13]);
		quarter_round(&x[3], &x[4], &x[9], &x[14]);
	}
	for (int i = 0; i < 16; i++)
		x[i] += state[i];
	memcpy(out, x, sizeof(x));
}
