#include "rest.h"

#include <time.h>

#include "procfs.h"
#include "base.h"

#define STEP_FIRST_NS 20000
#define STEP_MAX_NS 500000

void rest_await(pid_t pid, uint64_t limit_ns)
{
	struct timespec pause = { .tv_nsec = STEP_FIRST_NS };
	uint64_t end = now_ns() + limit_ns;

	while (procfs_state(pid) == 'R' && now_ns() < end) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < STEP_MAX_NS)
			pause.tv_nsec *= 2;
	}
}
