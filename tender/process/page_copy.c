#include "process/page_copy.h"

#include <errno.h>
#include <unistd.h>

#include "loop/operation.h"
#include "process/process_read.h"

/* Pages of one read, and pieces of one write. */
#define BUFFER_PAGES 64
#define PIECES_MAX 256

struct copy {
	pid_t pid;
	int out;
	const struct page_buffer *known;
	size_t next; /* in what is known: the first page that is not before the last one asked for */
	uint64_t offset; /* of the first piece in out */
	struct iovec pieces[PIECES_MAX]; /* on their way to out, one after the other */
	int piece_count;
	uint64_t bytes; /* of the pieces */
	struct iovec missing[BUFFER_PAGES]; /* to be read into the buffer before */
	unsigned missing_count;
	size_t buffered; /* pages */
	char buffer[BUFFER_PAGES][UC_PAGE_SIZE];
};

static int write_pieces(struct copy *c)
{
	uint64_t offset = c->offset;

	for (int i = 0; i < c->piece_count;) {
		ssize_t n = pwritev(c->out, c->pieces + i, c->piece_count - i, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		offset += (uint64_t)n;
		for (; i < c->piece_count && (size_t)n >= c->pieces[i].iov_len; i++)
			n -= (ssize_t)c->pieces[i].iov_len;
		if (n) {
			c->pieces[i].iov_base = (char *)c->pieces[i].iov_base + n;
			c->pieces[i].iov_len -= (size_t)n;
		}
	}
	return 0;
}

static int flush(struct copy *c)
{
	int error = 0;

	if (c->missing_count)
		error = process_read(c->pid, c->missing, c->missing_count, c->buffer,
				     c->buffered * UC_PAGE_SIZE);
	if (!error)
		error = write_pieces(c);
	c->offset += c->bytes;
	c->bytes = 0;
	c->piece_count = 0;
	c->missing_count = 0;
	c->buffered = 0;
	return error ? error : operation_pause_if_due();
}

static void add_piece(struct copy *c, const char *page)
{
	struct iovec *last = c->piece_count ? &c->pieces[c->piece_count - 1] : NULL;

	if (last && (const char *)last->iov_base + last->iov_len == page)
		last->iov_len += UC_PAGE_SIZE;
	else
		c->pieces[c->piece_count++] = (struct iovec){ (void *)page, UC_PAGE_SIZE };
	c->bytes += UC_PAGE_SIZE;
}

static void add_missing(struct copy *c, uint64_t at)
{
	struct iovec *last = c->missing_count ? &c->missing[c->missing_count - 1] : NULL;

	if (last && (uint64_t)last->iov_base + last->iov_len == at)
		last->iov_len += UC_PAGE_SIZE;
	else
		c->missing[c->missing_count++] = (struct iovec){ (void *)at, UC_PAGE_SIZE };
	add_piece(c, c->buffer[c->buffered++]);
}

static void add_page(struct copy *c, uint64_t at)
{
	const struct page_buffer *s = c->known;

	while (s && c->next < s->count && s->addrs[c->next] < at)
		c->next++;
	if (s && c->next < s->count && s->addrs[c->next] == at)
		add_piece(c, s->pages[c->next]);
	else
		add_missing(c, at);
}

static int add(struct copy *c, const struct layout_copy *run)
{
	int error = 0;

	if (run->offset != c->offset + c->bytes) {
		error = flush(c);
		c->offset = run->offset;
	}
	for (uint64_t at = run->start; !error && at < run->end; at += UC_PAGE_SIZE) {
		add_page(c, at);
		if (c->piece_count == PIECES_MAX || c->buffered == BUFFER_PAGES)
			error = flush(c);
	}
	return error;
}

int page_copy(pid_t pid, const struct layout_copy *runs, size_t count, const struct page_buffer *buffer,
	      int fd)
{
	struct copy c; /* on the stack, whose pages stay: a fresh buffer would fault once per page of each
	                  capture */
	int error = 0;

	c.pid = pid;
	c.out = fd;
	c.known = buffer;
	c.next = 0;
	c.offset = c.bytes = 0;
	c.piece_count = 0;
	c.missing_count = 0;
	c.buffered = 0;
	for (size_t i = 0; !error && i < count; i++)
		error = add(&c, &runs[i]);
	return error ? error : flush(&c);
}
