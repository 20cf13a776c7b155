/* memfd_create(2) and its seals. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "sandbox.h"

static void plain(void)
{
	int fd = memfd_create("plain", MFD_CLOEXEC), again;
	char path[64], target[64] = "", buf[16];
	struct stat st;

	REQUIRE(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && write(fd, "data", 4) == 4);
	REQUIRE(!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size == 4 && st.st_nlink == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	REQUIRE(readlink(path, target, sizeof target - 1) > 0 && !strcmp(target, "/memfd:plain (deleted)"));
	REQUIRE((again = open(path, O_RDONLY)) >= 0 && read(again, buf, sizeof buf) == 4);
	REQUIRE(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM));
	REQUIRE(FAILS(memfd_create("x", 0x80), EINVAL));
}

static void seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	char *map;

	REQUIRE(fd >= 0 && !ftruncate(fd, 8192) && fcntl(fd, F_GET_SEALS) == 0);
	REQUIRE(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	REQUIRE(FAILS(ftruncate(fd, 4096), EPERM) && FAILS(ftruncate(fd, 10000), EPERM));
	REQUIRE(FAILS(pwrite(fd, "x", 1, 8192), EPERM) && pwrite(fd, "xyz", 3, 8190) == 2);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(map != MAP_FAILED && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
	REQUIRE(!munmap(map, 8192) && !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	REQUIRE(FAILS(write(fd, "x", 1), EPERM));
	REQUIRE(FAILS((long)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), EPERM));
	REQUIRE(FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM));
	REQUIRE(FAILS(fcntl(0, F_GET_SEALS), EINVAL) || errno == EBADF);
}

/* Two mappings of one file are the same memory, and grow with it. */
static void shared(void)
{
	int fd = memfd_create("shared", 0);
	char *a, *b;

	REQUIRE(!ftruncate(fd, 4096));
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	REQUIRE(a != MAP_FAILED && b != MAP_FAILED);
	strcpy(a, "through a");
	REQUIRE(!strcmp(b, "through a") && !close(fd) && !strcmp(b, "through a"));
	REQUIRE(!munmap(a, 4096));
	REQUIRE(!strcmp(b, "through a") && !munmap(b, 4096));
}

int main(void)
{
	GROUP("a file without a name", plain());
	GROUP("seals", seals());
	GROUP("shared mappings", shared());
	return 0;
}
