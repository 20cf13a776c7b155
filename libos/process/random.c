/*
 * The random pool: a ChaCha20 key that is replaced by its own output at each use ("fast key
 * erasure"), so that a later look at the memory, or a snapshot of it, does not tell earlier output.
 */
#include "include/upcalls.h"
#include "lib/chacha20.h"
#include "lib/string.h"
#include "random.h"

#define KEY_BYTES 32

static u8 pool_key[KEY_BYTES];
static bool seeded;

static const u8 no_nonce[12];

void random_reseed(const u8 entropy[RANDOM_SEED_BYTES])
{
	u32 state[16];
	u8 block[CHACHA20_BLOCK_BYTES];
	u32 counter;

	/* All 64 bytes count: 32 as key, 16 as counter and nonce, and 32 onto the result. */
	memcpy(&counter, entropy + 32, sizeof(counter));
	chacha20_init(state, entropy, counter, entropy + 36);
	chacha20_block(state, block);
	for (int i = 0; i < KEY_BYTES; i++)
		pool_key[i] = block[i] ^ entropy[RANDOM_SEED_BYTES - KEY_BYTES + i];
	memset(state, 0, sizeof(state));
	memset(block, 0, sizeof(block));
	seeded = true;
}

void random_bytes(void *buf, size_t bytes)
{
	u32 state[16];
	u8 block[CHACHA20_BLOCK_BYTES];
	u8 *out = buf;

	if (!seeded)
		panic("random bytes before the pool was seeded");
	chacha20_init(state, pool_key, 0, no_nonce);
	chacha20_block(state, block);
	memcpy(pool_key, block, KEY_BYTES);
	size_t n = MIN(bytes, sizeof(block) - KEY_BYTES);
	memcpy(out, block + KEY_BYTES, n);
	while (n < bytes) {
		size_t part = MIN(bytes - n, sizeof(block));
		/* 2^32 blocks, 256 GiB, are more than a UC can hold. */
		state[12]++;
		chacha20_block(state, block);
		memcpy(out + n, block, part);
		n += part;
	}
	memset(state, 0, sizeof(state));
	memset(block, 0, sizeof(block));
}
