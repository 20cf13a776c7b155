#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ATTEMPTS_MAX 10

int sealed_create(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : fd;
}

/* The host itself may hold a page for a moment, to see whether it is used: it waits for that, but not for long. */
static int add_seals(int fd, int seals)
{
	int attempts = 0, error;

	do
		error = fcntl(fd, F_ADD_SEALS, seals | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0 ? -errno : 0;
	while (error == -EBUSY && ++attempts < ATTEMPTS_MAX);
	if (error)
		close(fd);
	return error ? error : fd;
}

int sealed_finish(int fd)
{
	return add_seals(fd, F_SEAL_WRITE);
}

int sealed_finish_mapped(int fd)
{
	return add_seals(fd, F_SEAL_FUTURE_WRITE);
}
