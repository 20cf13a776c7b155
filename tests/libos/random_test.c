/* The random pool: ChaCha20 against RFC 8439, and what reseeding promises to clones. */
#include "shim.h"

#include "../../libos/lib/chacha20.c"
#include "../../libos/process/random.c"

/* RFC 8439, section 2.3.2. */
static void test_vector(void)
{
	static const u8 expected[CHACHA20_BLOCK_BYTES] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	static const u8 nonce[12] = { 0, 0, 0, 0x09, 0, 0, 0, 0x4a };
	u8 key[32], out[CHACHA20_BLOCK_BYTES];
	u32 state[16];
	for (u8 i = 0; i < sizeof(key); i++)
		key[i] = i;
	chacha20_init(state, key, 1, nonce);
	chacha20_block(state, out);
	CHECK(!memcmp(out, expected, sizeof(out)));
}

static void fill(u8 entropy[RANDOM_SEED_BYTES], u8 value)
{
	memset(entropy, value, RANDOM_SEED_BYTES);
}

static void test_pool(void)
{
	u8 entropy[RANDOM_SEED_BYTES], a[200], b[200], c[200];
	fill(entropy, 1);
	random_reseed(entropy);
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
	random_reseed(entropy);
	random_bytes(c, sizeof(c));
	CHECK(!memcmp(a, c, sizeof(a)));
	bool differ = true;
	for (int i = 0; i < RANDOM_SEED_BYTES; i++) {
		fill(entropy, 1);
		entropy[i] ^= 0x80;
		random_reseed(entropy);
		random_bytes(c, sizeof(c));
		differ = differ && memcmp(a, c, sizeof(a));
	}
	CHECK(differ);
	for (size_t n = 0; n <= sizeof(a); n++) {
		memset(a, 0x5a, sizeof(a));
		random_bytes(a, n);
		differ = differ && (n == sizeof(a) || a[n] == 0x5a);
	}
	CHECK(differ);
}

int main(void)
{
	test_vector();
	test_pool();
	puts("ok random");
	return 0;
}
