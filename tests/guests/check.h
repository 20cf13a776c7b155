/* Guest programs report one line per promise: "ok NAME" or "not ok NAME", and exit 0 only if all hold. */
#ifndef GUESTS_CHECK_H
#define GUESTS_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(name, holds)                                                                                  \
	do {                                                                                                \
		errno = 0;                                                                                  \
		if (holds) {                                                                                \
			printf("ok %s\n", name);                                                            \
		} else {                                                                                    \
			printf("not ok %s (%s:%d, errno %s)\n", name, __FILE__, __LINE__, strerror(errno)); \
			check_failures++;                                                                   \
		}                                                                                           \
		fflush(stdout);                                                                             \
	} while (0)

/* Whether call fails with that errno. */
#define FAILS(call, error) ((call) == -1 && errno == (error))

static inline int check_result(void)
{
	return check_failures ? 1 : 0;
}

#endif
