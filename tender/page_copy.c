#include "page_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base.h"

#define BUFFER_BYTES (256u << 10)
#define PIECES_MAX 256

struct copy {
	pid_t pid;
	int mem; /* /proc/PID/mem, once a page was not readable to the process itself; else -1 */
	int out;
	uint64_t offset; /* of the buffer's begin in out */
	size_t filled;
	struct iovec pieces[PIECES_MAX];
	int piece_count;
	char buffer[BUFFER_BYTES];
};

/* Follows no protection bits, unlike process_vm_readv(2), but costs one call per piece. */
static int read_through_mem(struct copy *c)
{
	char path[64], *to = c->buffer;

	if (c->mem < 0) {
		snprintf(path, sizeof path, "/proc/%d/mem", c->pid);
		c->mem = open(path, O_RDONLY | O_CLOEXEC);
		if (c->mem < 0)
			return -errno;
	}
	for (int i = 0; i < c->piece_count; i++) {
		int error = pread_all(c->mem, to, c->pieces[i].iov_len, (uint64_t)c->pieces[i].iov_base);

		if (error)
			return error;
		to += c->pieces[i].iov_len;
	}
	return 0;
}

static int flush(struct copy *c)
{
	struct iovec local = { c->buffer, c->filled };
	int error = 0;

	if (!c->filled)
		return 0;
	if (process_vm_readv(c->pid, &local, 1, c->pieces, (unsigned long)c->piece_count, 0) != (ssize_t)c->filled)
		error = read_through_mem(c);
	if (!error)
		error = pwrite_all(c->out, c->buffer, c->filled, c->offset);
	c->offset += c->filled;
	c->filled = 0;
	c->piece_count = 0;
	return error;
}

static int add(struct copy *c, const struct layout_copy *run)
{
	uint64_t at = run->start;
	int error = 0;

	if (run->offset != c->offset + c->filled) {
		error = flush(c);
		c->offset = run->offset;
	}

	while (!error && at < run->end) {
		size_t room = BUFFER_BYTES - c->filled, bytes = run->end - at < room ? run->end - at : room;

		c->pieces[c->piece_count++] = (struct iovec){ (void *)at, bytes };
		c->filled += bytes;
		at += bytes;
		if (c->filled == BUFFER_BYTES || c->piece_count == PIECES_MAX)
			error = flush(c);
	}
	return error;
}

int page_copy(pid_t pid, const struct layout_copy *runs, size_t count, int fd)
{
	struct copy c; /* on the stack, whose pages stay: a fresh buffer would fault once per page of each capture */
	int error = 0;

	c.pid = pid;
	c.mem = -1;
	c.out = fd;
	c.offset = c.filled = 0;
	c.piece_count = 0;

	for (size_t i = 0; !error && i < count; i++)
		error = add(&c, &runs[i]);
	if (!error)
		error = flush(&c);
	close_if_open(c.mem);
	return error;
}
