/* fs/tmpfs/tmpfs_data.c against a plain array: random writes, holes, truncations and shared mappings. */
#include "shim.h"
#include <string.h>
#include <sys/mman.h>

#include "../../libos/fs/tmpfs/tmpfs_data.c"

#define FILE_PAGES 4096u
#define FILE_BYTES (FILE_PAGES * PAGE_SIZE)
#define ROUNDS 20000
#define WRITE_MAX 40000
#define LIMIT_PAGES 12000u

static u64 charged;
static u8 model[FILE_BYTES];

void *kmalloc(size_t bytes)
{
	return malloc(bytes);
}

void *krealloc(void *p, size_t bytes)
{
	return realloc(p, bytes);
}

void kfree(void *p)
{
	free(p);
}

void *kpages_alloc(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void kpages_free(void *p, u64 bytes)
{
	CHECK(!munmap(p, bytes));
}

bool tmpfs_charge(u64 pages)
{
	if (pages > LIMIT_PAGES - charged)
		return false;
	charged += pages;
	return true;
}

void tmpfs_uncharge(u64 pages)
{
	CHECK(pages <= charged);
	charged -= pages;
}

static void check_runs(const struct tmpfs_data *d)
{
	u64 end = 0, pages = 0;

	for (u32 i = 0; i < d->count; i++) {
		CHECK(d->runs[i].pages && d->runs[i].page >= end);
		end = d->runs[i].page + d->runs[i].pages;
		pages += d->runs[i].pages;
	}
	CHECK(pages == d->pages && charged == pages);
}

static void check_contents(const struct tmpfs_data *d)
{
	static const u8 zero[PAGE_SIZE];

	for (u64 page = 0; page < FILE_PAGES; page++) {
		u64 pages;
		const u8 *mem = data_at(d, page, &pages);

		CHECK(pages && !memcmp(mem ? mem : zero, model + page * PAGE_SIZE, PAGE_SIZE));
	}
}

static u64 random_position(void)
{
	return (u64)random_below(random_below(3) ? FILE_BYTES / 16 : FILE_BYTES);
}

static void random_write(struct tmpfs_data *d)
{
	u64 pos = random_position(), bytes = 1 + random_below(WRITE_MAX);
	u8 fill = (u8)random_below(256);

	bytes = MIN(bytes, FILE_BYTES - pos);
	while (bytes) {
		u64 off = pos % PAGE_SIZE, pages, n;
		u8 *mem;

		if (data_reserve(d, pos / PAGE_SIZE, PAGE_UP(off + bytes) / PAGE_SIZE, &mem, &pages))
			return;
		n = MIN(bytes, pages * PAGE_SIZE - off);
		memset(mem + off, fill, n);
		memset(model + pos, fill, n);
		pos += n;
		bytes -= n;
	}
}

static void random_discard(struct tmpfs_data *d)
{
	u64 from = random_position(), to = random_below(4) ? from + random_below(200000) : FILE_BYTES;

	to = MIN(to, FILE_BYTES);
	data_discard(d, from, to);
	memset(model + from, 0, to - from);
}

/* What is mapped stays where it is: a second mapping of the same pages is at the same place. */
static void random_map(struct tmpfs_data *d)
{
	u64 page = random_below(FILE_PAGES - 20), pages = 1 + random_below(20);
	u8 *mem, *again;

	if (data_map(d, page, pages, &mem))
		return;
	CHECK(!memcmp(mem, model + page * PAGE_SIZE, pages * PAGE_SIZE));
	memset(mem, 0x5a, PAGE_SIZE);
	memset(model + page * PAGE_SIZE, 0x5a, PAGE_SIZE);
	random_discard(d);
	random_write(d);
	CHECK(!data_map(d, page, pages, &again) && again == mem);
}

int main(void)
{
	for (int file = 0; file < 20; file++) {
		struct tmpfs_data d = { 0 };

		memset(model, 0, sizeof model);
		for (int i = 0; i < ROUNDS / 20; i++) {
			u32 what = random_below(20);

			if (what < 13)
				random_write(&d);
			else if (what < 19 || file % 2)
				random_discard(&d);
			else
				random_map(&d);
			check_runs(&d);
			if (i % 50 == 0)
				check_contents(&d);
		}
		check_contents(&d);
		data_free(&d);
		CHECK(!charged);
	}
	puts("ok tmpfs data");
	return 0;
}
