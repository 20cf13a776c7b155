/* mm/kmalloc.c under a random load: contents stay, blocks do not overlap, memory comes back. */
#include "shim.h"
#include <string.h>
#include <sys/mman.h>

#include "../../libos/mm/kmalloc.c"

#define SLOTS 4000
#define ROUNDS 400000

static struct slot {
	u8 *p;
	size_t bytes;
	u8 fill;
} slots[SLOTS];

static u64 kpages_bytes;

void *kpages_alloc(u64 bytes)
{
	void *p = mmap(NULL, PAGE_UP(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	kpages_bytes += PAGE_UP(bytes);
	return p == MAP_FAILED ? NULL : p;
}

void kpages_free(void *p, u64 bytes)
{
	kpages_bytes -= PAGE_UP(bytes);
	CHECK(!munmap(p, PAGE_UP(bytes)));
}

static size_t random_size(void)
{
	switch (random_below(20)) {
	case 0:
		return random_below(200000);
	case 1:
	case 2:
		return random_below(RUN_MAX + 1);
	case 3:
	case 4:
		return class_bytes[random_below(ARRAY_SIZE(class_bytes))];
	default:
		return random_below(600);
	}
}

static void check_filled(const struct slot *s, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		CHECK(s->p[i] == s->fill);
}

static void check_alignment(const void *p, size_t bytes)
{
	CHECK((u64)p % 16 == 0);
	if (bytes && bytes <= SMALL_MAX && bytes % 64 == 0)
		CHECK((u64)p % 64 == 0);
	if (bytes > SMALL_MAX && bytes <= RUN_MAX)
		CHECK((u64)p % PAGE_SIZE == 0);
}

static void fill(struct slot *s)
{
	s->fill = (u8)random_below(256);
	memset(s->p, s->fill, s->bytes);
}

static void take(struct slot *s)
{
	bool zeroed = random_below(2);

	s->bytes = random_size();
	s->p = zeroed ? kzalloc(s->bytes) : kmalloc(s->bytes);
	CHECK(s->p);
	check_alignment(s->p, s->bytes);
	for (size_t i = 0; zeroed && i < s->bytes; i++)
		CHECK(!s->p[i]);
	fill(s);
}

static void resize(struct slot *s)
{
	size_t bytes = random_size();

	s->p = krealloc(s->p, bytes);
	CHECK(s->p);
	check_filled(s, bytes < s->bytes ? bytes : s->bytes);
	s->bytes = bytes;
	fill(s);
}

static void drop(struct slot *s)
{
	check_filled(s, s->bytes);
	kfree(s->p);
	s->p = NULL;
}

static u32 pages_in_use(void)
{
	u32 n = 0;

	for (u32 i = 0; i < HEAP_PAGES_MAX; i++)
		n += pages[i].kind != PAGE_FREE;
	return n;
}

/* Equal objects fill whole pages, from the lowest on. */
static void check_density(void)
{
	void *p[64];

	for (u32 i = 0; i < 64; i++) {
		p[i] = kmalloc(64);
		CHECK((u64)p[i] == (u64)p[0] + i * 64);
	}
	for (u32 i = 0; i < 64; i++)
		kfree(p[i]);
}

int main(void)
{
	void *heap = mmap((void *)HEAP_START, UC_LIBOS_END - HEAP_START, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	CHECK(heap == (void *)HEAP_START);
	check_density();
	kfree(NULL);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct slot *s = &slots[random_below(SLOTS)];

		if (!s->p)
			take(s);
		else if (random_below(4))
			drop(s);
		else
			resize(s);
	}
	for (u32 i = 0; i < SLOTS; i++)
		if (slots[i].p)
			drop(&slots[i]);
	CHECK(!kpages_bytes);
	CHECK(pages_in_use() <= ARRAY_SIZE(class_bytes));
	puts("ok kmalloc");
	return 0;
}
