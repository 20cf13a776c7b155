/* The byte queue of pipes and TCP against a plain array, with faults and short memory. */
#include <string.h>

#include "shim.h"

#include "../../libos/pipe/bytequeue.h"

#define EFAULT 14
#define ENOMEM 12
#define FAULT_NEVER (~0ull)

static u64 fault_after = FAULT_NEVER; /* copies that still work */
static bool no_memory;

struct iovec {
	void *iov_base;
	size_t iov_len;
};

void *kmalloc(size_t bytes);
void kfree(void *p);

void *kmalloc(size_t bytes)
{
	return no_memory ? NULL : malloc(bytes);
}

void kfree(void *p)
{
	free(p);
}

static int copy(struct uio *u, void *dst, const void *src, u64 bytes)
{
	if (fault_after == 0)
		return -EFAULT;
	if (fault_after != FAULT_NEVER)
		fault_after--;
	CHECK(bytes <= u->left);
	memcpy(dst, src, bytes);
	u->skip += bytes;
	u->left -= bytes;
	return 0;
}

int uio_read(struct uio *u, void *dst, u64 bytes)
{
	return copy(u, dst, (u8 *)u->iov->iov_base + u->skip, bytes);
}

int uio_write(struct uio *u, const void *src, u64 bytes)
{
	return copy(u, (u8 *)u->iov->iov_base + u->skip, src, bytes);
}

#include "../../libos/pipe/bytequeue.c"

#define ROOM 200000

static u8 model[ROOM]; /* what the queue should hold */
static u64 model_bytes;
static u8 scratch[ROOM];

static struct uio uio_of(struct iovec *iov, void *buf, u64 bytes)
{
	*iov = (struct iovec){ buf, bytes };
	return (struct uio){ .iov = iov, .count = 1, .left = bytes };
}

static ssize_t push(struct bytequeue *q, u64 bytes)
{
	struct iovec iov;

	for (u64 i = 0; i < bytes; i++)
		scratch[i] = (u8)random_below(256);
	struct uio u = uio_of(&iov, scratch, bytes);
	ssize_t n = bytequeue_push(q, &u, bytes);
	if (n > 0) {
		memcpy(model + model_bytes, scratch, (u64)n);
		model_bytes += (u64)n;
	}
	return n;
}

static ssize_t pop(struct bytequeue *q, u64 bytes)
{
	struct iovec iov;
	struct uio u = uio_of(&iov, scratch, bytes);
	ssize_t n = bytequeue_pop(q, &u, bytes);

	if (n > 0) {
		CHECK((u64)n <= model_bytes && !memcmp(scratch, model, (u64)n));
		model_bytes -= (u64)n;
		memmove(model, model + n, model_bytes);
	}
	return n;
}

static void peek(struct bytequeue *q, u64 skip, u64 bytes)
{
	struct iovec iov;
	struct uio u = uio_of(&iov, scratch, bytes);
	ssize_t n = bytequeue_peek(q, &u, bytes, skip);
	u64 expect = skip < model_bytes ? MIN(bytes, model_bytes - skip) : 0;

	CHECK((u64)n == expect && !memcmp(scratch, model + skip, expect));
}

static void check_pop(struct bytequeue *q, u64 bytes)
{
	u64 expect = MIN(bytes, model_bytes);

	CHECK(pop(q, bytes) == (ssize_t)expect);
}

static void test_random(void)
{
	struct bytequeue q;

	bytequeue_init(&q);
	for (int i = 0; i < 20000; i++) {
		u64 n = random_below(4) ? random_below(300) : random_below(40000);

		if (model_bytes + n < ROOM && random_below(2))
			CHECK(push(&q, n) == (ssize_t)n);
		else if (random_below(4))
			check_pop(&q, n);
		else
			peek(&q, random_below(50000), n);
		CHECK(q.bytes == model_bytes);
	}
	bytequeue_drop(&q, q.bytes / 2);
	bytequeue_clear(&q);
	CHECK(q.bytes == 0 && list_empty(&q.chunks));
	model_bytes = 0;
}

static void test_failures(void)
{
	struct bytequeue q;

	bytequeue_init(&q);
	no_memory = true;
	CHECK(push(&q, 10) == -ENOMEM && q.bytes == 0);
	no_memory = false;
	fault_after = 0;
	CHECK(push(&q, 10) == -EFAULT && q.bytes == 0 && list_empty(&q.chunks));
	fault_after = 1;
	ssize_t n = push(&q, 100000);
	CHECK(n > 0 && n < 100000 && q.bytes == (u64)n);
	CHECK(pop(&q, 10) == -EFAULT && q.bytes == (u64)n);
	fault_after = FAULT_NEVER;
	CHECK(push(&q, 50000) == 50000);
	fault_after = 1;
	ssize_t m = pop(&q, 100000);
	CHECK(m > 0 && q.bytes == (u64)(n + 50000 - m));
	fault_after = FAULT_NEVER;
	while (q.bytes)
		CHECK(pop(&q, 1000) > 0);
	CHECK(list_empty(&q.chunks));
}

int main(void)
{
	test_random();
	test_failures();
	printf("ok bytequeue\n");
	return 0;
}
