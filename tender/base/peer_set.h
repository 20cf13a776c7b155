/* Sets of tenders, by their index among those of a node. */
#ifndef TENDER_PEER_SET_H
#define TENDER_PEER_SET_H

#include <stdbool.h>
#include <stdint.h>

/* Tenders of one node. */
#define PEERS_MAX 256

struct peer_set {
	uint64_t bits[PEERS_MAX / 64];
};

static inline void peer_set_add(struct peer_set *set, int i)
{
	set->bits[i / 64] |= 1ull << i % 64;
}

static inline void peer_set_remove(struct peer_set *set, int i)
{
	set->bits[i / 64] &= ~(1ull << i % 64);
}

static inline bool peer_set_has(const struct peer_set *set, int i)
{
	return set->bits[i / 64] >> i % 64 & 1;
}

static inline bool peer_set_is_empty(const struct peer_set *set)
{
	for (int i = 0; i < PEERS_MAX / 64; i++)
		if (set->bits[i])
			return false;
	return true;
}

#endif
