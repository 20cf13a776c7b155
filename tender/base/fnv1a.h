/* The hash FNV-1a of 64 bits: tells bytes apart that nobody has chosen to look alike. */
#ifndef TENDER_FNV1A_H
#define TENDER_FNV1A_H

#include <stddef.h>
#include <stdint.h>

/* That of no bytes. */
#define FNV1A_START 0xcbf29ce484222325ull

/* hash: that of the bytes before. */
static inline uint64_t fnv1a(uint64_t hash, const void *bytes, size_t count)
{
	for (const uint8_t *p = bytes; count; count--)
		hash = (hash ^ *p++) * 0x100000001b3ull;
	return hash;
}

#endif
