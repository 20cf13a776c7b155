/* Process ids along a lineage: none comes twice. */
#include "shim.h"

#include "../../libos/lib/chacha20.c"
#include "../../libos/process/lineage.c"
#include "../../libos/process/random.c"

#define DEPTH 60
#define PID_LIMIT 4194304u

int main(void)
{
	u8 entropy[RANDOM_SEED_BYTES] = { 1 };
	u32 seen[DEPTH + 1] = { 100 };

	random_reseed(entropy);
	CHECK(lineage_new_pid(100, 101) == 101);
	seen[1] = 101;
	/* The host has begun to count anew: it proposes what has been. */
	for (u32 depth = 2; depth <= DEPTH; depth++) {
		seen[depth] = lineage_new_pid(seen[depth - 1], 100 + random_below(2));
		CHECK(seen[depth] > 1 && seen[depth] < PID_LIMIT);
		for (u32 i = 0; i < depth; i++)
			CHECK(seen[i] != seen[depth]);
	}
	for (u32 i = 0; i < 2 * PIDS_MAX; i++)
		CHECK(lineage_new_pid(seen[DEPTH], 5000 + i) == 5000 + i);
	return 0;
}
