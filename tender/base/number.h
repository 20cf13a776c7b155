/* The lower and the higher of two addresses, sizes or times. */
#ifndef TENDER_NUMBER_H
#define TENDER_NUMBER_H

#include <stdint.h>

static inline uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
