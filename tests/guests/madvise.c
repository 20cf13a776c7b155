/* madvise(2): what is dropped reads as zero, what is merely advice is taken. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "require.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define MADV_UNKNOWN 9999

static char *map(unsigned long pages, int type)
{
	char *p = mmap(NULL, pages * PAGE, RW, type | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	memset(p, 1, pages * PAGE);
	return p;
}

static int is_zero(const char *p, unsigned long bytes)
{
	for (unsigned long i = 0; i < bytes; i++)
		if (p[i])
			return 0;
	return 1;
}

static void dontneed(unsigned long pages)
{
	char *p = map(pages + 2, MAP_PRIVATE);

	REQUIRE(!madvise(p + PAGE, pages * PAGE, MADV_DONTNEED));
	REQUIRE(is_zero(p + PAGE, pages * PAGE));
	REQUIRE(p[PAGE - 1] == 1 && p[(pages + 1) * PAGE] == 1);
	p[PAGE] = 2;
	REQUIRE(p[PAGE] == 2 && !munmap(p, (pages + 2) * PAGE));
}

/* As V8 gives memory back: protected first. */
static void dontneed_protected(void)
{
	char *p = map(2, MAP_PRIVATE);

	REQUIRE(!mprotect(p, 2 * PAGE, PROT_NONE) && !madvise(p, 2 * PAGE, MADV_DONTNEED));
	REQUIRE(!mprotect(p, 2 * PAGE, RW) && is_zero(p, 2 * PAGE) && !munmap(p, 2 * PAGE));
}

static void shared_stays(void)
{
	char *p = map(2, MAP_SHARED);

	REQUIRE(!madvise(p, PAGE, MADV_DONTNEED) && p[0] == 1);
	REQUIRE(!madvise(p, PAGE, MADV_REMOVE) && is_zero(p, PAGE) && p[PAGE] == 1);
	REQUIRE(!munmap(p, 2 * PAGE));
}

static void advice(void)
{
	static const int kinds[] = { MADV_NORMAL,   MADV_RANDOM,   MADV_SEQUENTIAL,
				     MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK,
				     MADV_DONTDUMP, MADV_DODUMP,   MADV_COLD };
	char *p = map(2, MAP_PRIVATE);

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		REQUIRE(!madvise(p, 2 * PAGE, kinds[i]) && p[PAGE] == 1);
	REQUIRE(!madvise(p, 0, MADV_DONTNEED) && p[0] == 1);
	REQUIRE(FAILS(madvise(p, PAGE, MADV_UNKNOWN), EINVAL));
	REQUIRE(FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL));
	REQUIRE(!munmap(p, 2 * PAGE));
}

/* A hole is an error, but no reason to stop. */
static void holes(void)
{
	char *p = map(3, MAP_PRIVATE);

	REQUIRE(!munmap(p + PAGE, PAGE));
	REQUIRE(FAILS(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM));
	REQUIRE(is_zero(p, PAGE) && is_zero(p + 2 * PAGE, PAGE));
	REQUIRE(!munmap(p, 3 * PAGE));
}

int main(void)
{
	GROUP("a page dropped", dontneed(1));
	GROUP("many pages dropped", dontneed(40));
	GROUP("protected pages dropped", dontneed_protected());
	GROUP("shared memory keeps its bytes", shared_stays());
	GROUP("mere advice", advice());
	GROUP("holes", holes());
	return check_result();
}
