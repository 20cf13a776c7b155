/* What a test needs beside the sources it includes: a way to fail, and the library OS's panic. */
#ifndef TESTS_LIBOS_SHIM_H
#define TESTS_LIBOS_SHIM_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

__attribute__((noreturn, format(printf, 1, 2))) void panic(const char *fmt, ...);
void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* A random number below n, the same series in each run. */
static inline unsigned random_below(unsigned n)
{
	static unsigned long long state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11) % n;
}

#endif
