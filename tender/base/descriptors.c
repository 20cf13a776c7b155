#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that are left for the work of the moment. */
#define RESERVE 64

int descriptors_check(void)
{
	struct rlimit limit;
	/* The lowest free number tells how many are taken, but for gaps. */
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), error = fd < 0 ? -errno : 0;

	if (error)
		return error;
	close(fd);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return (rlim_t)fd + RESERVE > limit.rlim_cur ? -EMFILE : 0;
}
