#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"

static sigset_t news(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return set;
}

/* Blocked, the signal waits to be taken. */
void child_init(void)
{
	sigset_t set = news();

	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		fatal(errno, "SIGCHLD");
}

void child_await_news(uint64_t ns)
{
	struct timespec limit = { .tv_nsec = (long)ns };
	sigset_t set = news();

	sigtimedwait(&set, NULL, &limit);
}

bool child_has_ended(pid_t pid, int *status, struct rusage *usage)
{
	pid_t found;

	do {
		found = wait4(pid, status, __WALL | WNOHANG, usage);
		if (found < 0 && errno != EINTR)
			fatal(errno, "wait for process %d", pid);
	} while (found < 0 || (found > 0 && !WIFEXITED(*status) && !WIFSIGNALED(*status)));
	return found > 0;
}

bool child_await_end(pid_t pid, uint64_t ns, int *status, struct rusage *usage)
{
	uint64_t end = now_ns() + ns, now;

	while (!child_has_ended(pid, status, usage)) {
		now = now_ns();
		if (now >= end)
			return false;
		child_await_news(end - now);
	}
	return true;
}
