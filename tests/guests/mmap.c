/* mmap(2), munmap(2): placement, sharing, files, refusals. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "require.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void anonymous(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);

	REQUIRE(p != MAP_FAILED);
	for (unsigned long i = 0; i < 8 * PAGE; i++)
		REQUIRE(p[i] == 0);
	memset(p, 1, 8 * PAGE);
	/* A hole in the middle leaves both ends. */
	REQUIRE(!munmap(p + 2 * PAGE, 2 * PAGE));
	REQUIRE(p[2 * PAGE - 1] == 1 && p[4 * PAGE] == 1);
	REQUIRE(mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + 2 * PAGE);
	REQUIRE(p[2 * PAGE] == 0);
	REQUIRE(FAILS((long)mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST));
	REQUIRE(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p && p[0] == 0 && p[PAGE] == 1);
	REQUIRE(!munmap(p, 8 * PAGE));
	REQUIRE(!munmap(p, 8 * PAGE)); /* nothing there: no error */
}

static void refusals(void)
{
	REQUIRE(FAILS((long)mmap(NULL, 0, RW, ANON, -1, 0), EINVAL));
	REQUIRE(FAILS((long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL));
	REQUIRE(FAILS((long)mmap((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL));
	REQUIRE(FAILS((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF));
	REQUIRE(FAILS((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, 0x7fffffff, 0), EBADF));
	REQUIRE(FAILS((long)mmap(NULL, ~0ul - PAGE, RW, ANON, -1, 0), ENOMEM));
	REQUIRE(FAILS(munmap((void *)1, PAGE), EINVAL));
	REQUIRE(FAILS(munmap((void *)PAGE, 0), EINVAL));
	REQUIRE(FAILS(munmap((void *)(~0ul << 12), PAGE), EINVAL));
}

/* A runtime that wants alignment maps too much and trims. */
static void aligned(void)
{
	const unsigned long align = 1ul << 18;
	char *p = mmap((void *)0x123456789000, 2 * align, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), *q;

	REQUIRE(p != MAP_FAILED);
	q = (char *)(((unsigned long)p + align - 1) & ~(align - 1));
	REQUIRE(q == p || !munmap(p, (unsigned long)(q - p)));
	REQUIRE(!munmap(q + align, (unsigned long)(p + align - q)) || q == p + align);
	REQUIRE(!mprotect(q, align, RW));
	q[0] = q[align - 1] = 1;
	REQUIRE(!munmap(q, align));
}

static void big_reservation(void)
{
	const unsigned long bytes = 16ul << 30;
	char *p = mmap(NULL, bytes, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	REQUIRE(p != MAP_FAILED);
	REQUIRE(!mprotect(p + bytes / 2, PAGE, RW));
	p[bytes / 2] = 7;
	REQUIRE(!munmap(p, bytes));
}

static void file(const char *self)
{
	int fd = open(self, O_RDONLY);
	unsigned char *p, *q, byte;

	REQUIRE(fd >= 0);
	p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	REQUIRE(!memcmp(p, "\177ELF", 4));
	REQUIRE(pread(fd, &byte, 1, PAGE + 123) == 1 && p[PAGE + 123] == byte && q[123] == byte);
	p[0] = 'x';
	REQUIRE(pread(fd, &byte, 1, 0) == 1 && byte == 0x7f);
	REQUIRE(!madvise(p, PAGE, MADV_DONTNEED) && p[0] == 0x7f);
	REQUIRE(FAILS((long)mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES));
	REQUIRE(FAILS(mprotect(q, PAGE, RW), EACCES));
	REQUIRE(FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL));
	REQUIRE(!close(fd) && !memcmp(p, "\177ELF", 4));
	REQUIRE(!munmap(p, 2 * PAGE) && !munmap(q, PAGE));
}

static void directory(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	REQUIRE(fd >= 0);
	REQUIRE(FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV));
	REQUIRE(!close(fd));
}

static void written_file(void)
{
	char path[] = "/tmp/mmapXXXXXX", byte;
	int fd = mkstemp(path);
	char *p, *q;

	REQUIRE(fd >= 0 && !unlink(path));
	REQUIRE(!ftruncate(fd, 2 * PAGE) && pwrite(fd, "abc", 3, PAGE) == 3);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, PAGE);
	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	REQUIRE(p[0] == 0 && p[PAGE] == 'a' && q[2] == 'c');
	p[5] = 'z';
	REQUIRE(pread(fd, &byte, 1, 5) == 1 && byte == 'z');
	REQUIRE(pwrite(fd, "y", 1, 6) == 1 && p[6] == 'y');
	q[0] = 'q';
	REQUIRE(p[PAGE] == 'a');
	REQUIRE(!msync(p, 2 * PAGE, MS_SYNC) && !close(fd));
	REQUIRE(p[5] == 'z' && p[PAGE + 1] == 'b');
	REQUIRE(!munmap(p, 2 * PAGE) && !munmap(q, PAGE));
}

static void resident(void)
{
	unsigned char map[2];
	char *p = mmap(NULL, 2 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);

	REQUIRE(p != MAP_FAILED && !mincore(p, 2 * PAGE, map) && (map[0] & 1) && (map[1] & 1));
	REQUIRE(FAILS(mincore(p + 1, PAGE, map), EINVAL));
	REQUIRE(!munmap(p + PAGE, PAGE));
	REQUIRE(FAILS(mincore(p, 2 * PAGE, map), ENOMEM));
	REQUIRE(FAILS(msync(p, 2 * PAGE, MS_SYNC), ENOMEM));
	REQUIRE(FAILS(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL));
	REQUIRE(!mlock(p, PAGE) && !munlock(p, PAGE) && !munmap(p, PAGE));
}

static void many(void)
{
	static char *p[3000];

	for (int i = 0; i < 3000; i++) {
		p[i] = mmap(NULL, PAGE, i % 2 ? RW : PROT_READ, ANON, -1, 0);
		REQUIRE(p[i] != MAP_FAILED && p[i][0] == 0);
	}
	for (int i = 0; i < 3000; i++)
		REQUIRE(!munmap(p[i * 7 % 3000], PAGE));
}

int main(int argc, char **argv)
{
	(void)argc;
	GROUP("anonymous memory, holes, fixed addresses", anonymous());
	GROUP("mmap and munmap refuse", refusals());
	GROUP("trimming to an alignment", aligned());
	GROUP("a big reservation", big_reservation());
	GROUP("a file, private and shared", file(argv[0]));
	GROUP("a directory cannot be mapped", directory());
	GROUP("a written file, shared", written_file());
	GROUP("mincore, msync, mlock", resident());
	GROUP("thousands of mappings", many());
	return check_result();
}
