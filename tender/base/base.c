#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 0 when there is no such clock. */
static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

clockid_t process_clock(pid_t pid)
{
	return (clockid_t)((~(unsigned)pid << 3) | 2);
}

uint64_t process_cpu_ns(pid_t pid)
{
	return clock_ns(process_clock(pid));
}

void fatal(int error, const char *format, ...)
{
	va_list args;

	fputs("seuss-tender: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	_exit(1);
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		fatal(ENOMEM, "cannot allocate %zu bytes", count * size);
	return p;
}

void *xrealloc(void *p, size_t bytes)
{
	void *q = realloc(p, bytes);

	if (!q && bytes)
		fatal(ENOMEM, "cannot allocate %zu bytes", bytes);
	return q;
}

ssize_t send_with_fds(int sock, const struct iovec *iov, int iov_count, const int *fds, int fd_count,
		      int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SEND_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iov_count };
	ssize_t n;

	if (fd_count > SEND_FDS_MAX)
		return -E2BIG;
	if (fd_count > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)fd_count * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int take_fds(struct msghdr *msg, int *fds, int fd_max)
{
	int count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < fd_max)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

ssize_t recv_with_fds(int sock, const struct iovec *iov, int iov_count, int *fds, int fd_max, int *fd_count,
		      int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SEND_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iov_count };
	int count = 0;
	ssize_t n;

	if (fd_max > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE((size_t)fd_max * sizeof(int));
	}
	do
		n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (fd_max > 0)
		count = take_fds(&msg, fds, fd_max);
	/* A peer that sends descriptors where none are wanted (fd_max 0) is cut short as well. */
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (int i = 0; i < count; i++)
			close(fds[i]);
		return -EMSGSIZE;
	}
	if (fd_count)
		*fd_count = count;
	return n;
}

int pread_all(int fd, void *buf, size_t bytes, uint64_t offset)
{
	char *p = buf;

	while (bytes) {
		ssize_t n = pread(fd, p, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

int pwrite_all(int fd, const void *buf, size_t bytes, uint64_t offset)
{
	const char *p = buf;

	while (bytes) {
		ssize_t n = pwrite(fd, p, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

ssize_t read_text_at(int dir, const char *path, char **text)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0, size = 0;
	char *buf = NULL;
	int error = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (size - used < 4096) {
			size = size ? size * 2 : 32768;
			buf = xrealloc(buf, size);
		}
		n = read(fd, buf + used, size - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	if (error) {
		free(buf);
		return -error;
	}
	buf[used] = '\0';
	*text = buf;
	return (ssize_t)used;
}

void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}
