/*
 * A target is LLVMFuzzerTestOneInput, as libFuzzer has it: it takes any bytes, and ends the process when
 * something is wrong. fuzz.c drives it where there is no libFuzzer.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs to begin with: the bytes of the one of that number, to be freed, or NULL when there are no more. */
uint8_t *fuzz_seed(unsigned number, size_t *size);

#endif
