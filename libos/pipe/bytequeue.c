/* A first-in first-out queue of bytes. */
#include "bytequeue.h"

#include <asm/errno.h>

#include "mm/mm.h"

struct chunk {
	struct list_node node;
	u32 start, end, size; /* bytes [start, end) of data hold something */
	u8 data[];
};

#define CHUNK_MIN (256 - sizeof(struct chunk))
#define CHUNK_MAX (16384 - sizeof(struct chunk))

void bytequeue_init(struct bytequeue *q)
{
	list_init(&q->chunks);
	q->bytes = 0;
}

static void chunk_free(struct chunk *c)
{
	list_del(&c->node);
	kfree(c);
}

void bytequeue_clear(struct bytequeue *q)
{
	while (!list_empty(&q->chunks))
		chunk_free(list_entry(q->chunks.next, struct chunk, node));
	q->bytes = 0;
}

/* The last chunk if it has room, else a new one; a queue that fills up gets larger ones. */
static struct chunk *chunk_for(struct bytequeue *q, u64 bytes)
{
	if (!list_empty(&q->chunks)) {
		struct chunk *last = list_entry(q->chunks.prev, struct chunk, node);

		if (last->end < last->size)
			return last;
	}
	u64 size = MAX(bytes, q->bytes / 2);
	size = MIN(MAX(size, CHUNK_MIN), CHUNK_MAX);
	struct chunk *c = kmalloc(sizeof *c + size);
	if (!c)
		return NULL;
	c->start = c->end = 0;
	c->size = size;
	list_add_tail(&c->node, &q->chunks);
	return c;
}

ssize_t bytequeue_push(struct bytequeue *q, struct uio *u, u64 max)
{
	u64 done = 0;
	int error = 0;

	max = MIN(max, u->left);
	while (done < max && !error) {
		struct chunk *c = chunk_for(q, max - done);
		if (!c) {
			error = -ENOMEM;
			break;
		}
		u64 n = MIN(max - done, c->size - c->end);
		error = uio_read(u, c->data + c->end, n);
		if (!error) {
			c->end += n;
			q->bytes += n;
			done += n;
		} else if (c->start == c->end) {
			chunk_free(c);
		}
	}
	return done ? (ssize_t)done : error;
}

ssize_t bytequeue_peek(struct bytequeue *q, struct uio *u, u64 max, u64 skip)
{
	u64 done = 0;

	max = MIN(max, u->left);
	list_for_each(node, &q->chunks) {
		struct chunk *c = list_entry(node, struct chunk, node);
		u64 have = c->end - c->start;

		if (done == max)
			break;
		if (skip >= have) {
			skip -= have;
			continue;
		}
		u64 n = MIN(max - done, have - skip);
		if (uio_write(u, c->data + c->start + skip, n))
			return done ? (ssize_t)done : -EFAULT;
		skip = 0;
		done += n;
	}
	return done;
}

void bytequeue_drop(struct bytequeue *q, u64 bytes)
{
	q->bytes -= bytes;
	while (bytes) {
		struct chunk *c = list_entry(q->chunks.next, struct chunk, node);
		u64 n = MIN(bytes, c->end - c->start);

		c->start += n;
		bytes -= n;
		if (c->start == c->end)
			chunk_free(c);
	}
}

ssize_t bytequeue_pop(struct bytequeue *q, struct uio *u, u64 max)
{
	ssize_t n = bytequeue_peek(q, u, max, 0);

	if (n > 0)
		bytequeue_drop(q, n);
	return n;
}
