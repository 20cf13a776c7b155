/* mremap(2). */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "require.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static char *map(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	for (unsigned long i = 0; i < pages; i++)
		p[i * PAGE] = (char)(i + 1);
	return p;
}

static void holds(const char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		REQUIRE(p[i * PAGE] == (char)(i + 1));
}

static int is_unmapped(char *p)
{
	return FAILS(msync(p, PAGE, MS_ASYNC), ENOMEM);
}

static void shrink(void)
{
	char *p = map(4);

	REQUIRE(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
	holds(p, 2);
	REQUIRE(is_unmapped(p + 2 * PAGE) && is_unmapped(p + 3 * PAGE));
	REQUIRE(mremap(p, 2 * PAGE, 2 * PAGE, 0) == p);
	REQUIRE(!munmap(p, 2 * PAGE));
}

static void grow_in_place(void)
{
	char *p = map(8);

	REQUIRE(!munmap(p + 2 * PAGE, 6 * PAGE));
	REQUIRE(mremap(p, 2 * PAGE, 8 * PAGE, 0) == p);
	holds(p, 2);
	REQUIRE(p[2 * PAGE] == 0 && p[7 * PAGE] == 0);
	p[7 * PAGE] = 1;
	REQUIRE(!munmap(p, 8 * PAGE));
}

static void grow_by_moving(void)
{
	char *p = map(4), *q;

	/* In the way of the first two pages: the other two, protected differently. */
	REQUIRE(!mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	REQUIRE(FAILS((long)mremap(p, 2 * PAGE, 3 * PAGE, 0), ENOMEM));
	q = mremap(p, 2 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q != p);
	holds(q, 2);
	REQUIRE(q[2 * PAGE] == 0 && q[599 * PAGE] == 0 && is_unmapped(p));
	REQUIRE(p[2 * PAGE] == 3);
	REQUIRE(!munmap(q, 600 * PAGE) && !munmap(p, 4 * PAGE));
}

static void move_to(void)
{
	char *p = map(2), *target = map(8);

	REQUIRE(mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) == target + PAGE);
	holds(target + PAGE, 2);
	REQUIRE(target[0] == 1 && target[3 * PAGE] == 0 && target[4 * PAGE] == 5 && is_unmapped(p));
	REQUIRE(!munmap(target, 8 * PAGE));
}

/* A shared file that is mapped, extended, and mapped larger. */
static void shared_file(void)
{
	char path[] = "/tmp/mremapXXXXXX", byte;
	int fd = mkstemp(path);
	char *p, *q;

	REQUIRE(fd >= 0 && !unlink(path) && !ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	p[PAGE] = 'a';
	REQUIRE(!ftruncate(fd, 4 * PAGE));
	q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q[PAGE] == 'a' && q[3 * PAGE] == 0);
	q[3 * PAGE] = 'b';
	REQUIRE(pread(fd, &byte, 1, 3 * PAGE) == 1 && byte == 'b');
	REQUIRE(mremap(q, 4 * PAGE, PAGE, 0) == q);
	REQUIRE(is_unmapped(q + PAGE) && !is_unmapped(q) && !munmap(q, PAGE) && !close(fd));
}

static void refusals(void)
{
	char *p = map(4);

	REQUIRE(FAILS((long)mremap(p + 1, PAGE, 2 * PAGE, 0), EINVAL));
	REQUIRE(FAILS((long)mremap(p, PAGE, 0, 0), EINVAL));
	REQUIRE(FAILS((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE), EINVAL));
	REQUIRE(FAILS((long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL));
	REQUIRE(!munmap(p + PAGE, PAGE));
	REQUIRE(FAILS((long)mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT));
	REQUIRE(FAILS((long)mremap(p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), EFAULT));
	REQUIRE(!munmap(p, 4 * PAGE));
}

int main(void)
{
	GROUP("shrinking", shrink());
	GROUP("growing in place", grow_in_place());
	GROUP("growing by moving", grow_by_moving());
	GROUP("moving to an address", move_to());
	GROUP("a shared file", shared_file());
	GROUP("mremap refuses", refusals());
	return check_result();
}
