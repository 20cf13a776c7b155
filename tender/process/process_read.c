#include "process/process_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"

/* Follows no protection bits, unlike process_vm_readv(2), but costs one call per piece. */
static int read_through_mem(pid_t pid, const struct iovec *pieces, unsigned count, char *to)
{
	char path[64];
	int fd, error = 0;

	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (unsigned i = 0; !error && i < count; i++) {
		error = pread_all(fd, to, pieces[i].iov_len, (uint64_t)pieces[i].iov_base);
		to += pieces[i].iov_len;
	}
	close(fd);
	return error;
}

int process_read(pid_t pid, const struct iovec *pieces, unsigned count, void *to, size_t bytes)
{
	struct iovec local = { to, bytes };

	if (process_vm_readv(pid, &local, 1, pieces, count, 0) == (ssize_t)bytes)
		return 0;
	return read_through_mem(pid, pieces, count, to);
}
