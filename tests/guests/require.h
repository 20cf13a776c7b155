/*
 * For guest programs whose later steps make no sense after a failed one: the first failure ends the program.
 */
#ifndef GUESTS_REQUIRE_H
#define GUESTS_REQUIRE_H

#include <stdlib.h>

#include "check.h"

#define REQUIRE(holds)                                                                      \
	do {                                                                                \
		errno = 0;                                                                  \
		if (!(holds)) {                                                             \
			printf("not ok %s:%d: %s (errno %s)\n", __FILE__, __LINE__, #holds, \
			       strerror(errno));                                            \
			exit(1);                                                            \
		}                                                                           \
	} while (0)

/* Runs a group of requirements: function() ends the program or returns. */
#define GROUP(name, function)            \
	do {                             \
		function;                \
		printf("ok %s\n", name); \
		fflush(stdout);          \
	} while (0)

#endif
