/* null(4), zero(4), full(4), random(4), /dev/fd, /dev/shm. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

#include "sandbox.h"

static void sinks(void)
{
	char buf[64] = "unchanged";
	int null = open("/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0600), full = open("/dev/full", O_RDWR);
	struct stat st;

	REQUIRE(null >= 0 && read(null, buf, sizeof buf) == 0 && write(null, buf, sizeof buf) == sizeof buf);
	REQUIRE(!fstat(null, &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0x103 && !strcmp(buf, "unchanged"));
	REQUIRE(FAILS(write(full, buf, 1), ENOSPC) && read(full, buf, 4) == 4 && buf[0] == 0);
	REQUIRE(lseek(null, 100, SEEK_SET) == 0 && !isatty(null) && errno == ENOTTY);
	REQUIRE(FAILS(ioctl(null, TIOCGWINSZ, buf), ENOTTY));
}

static void sources(void)
{
	unsigned char a[4096] = { 1 }, b[4096];
	int zero = open("/dev/zero", O_RDWR), random = open("/dev/urandom", O_RDONLY);
	char *map;
	int same = 0;

	REQUIRE(read(zero, a, sizeof a) == sizeof a && a[0] == 0 && a[4095] == 0);
	REQUIRE(read(random, a, sizeof a) == sizeof a && read(random, b, sizeof b) == sizeof b);
	for (unsigned i = 0; i < sizeof a; i++)
		same += a[i] == b[i];
	REQUIRE(same < 100);
	REQUIRE((map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0)) != MAP_FAILED);
	REQUIRE(map[0] == 0 && (map[8191] = 1));
}

static void descriptors(void)
{
	int fd = sandbox_file("f", "through /dev/fd"), fds[2];
	char path[32], buf[64];

	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	REQUIRE(sandbox_holds(path, "through /dev/fd"));
	REQUIRE(readlink("/dev/fd", buf, sizeof buf) == 13 && !memcmp(buf, "/proc/self/fd", 13));
	REQUIRE(dup2(fd, 0) == 0 && sandbox_holds("/dev/stdin", "through /dev/fd"));
	REQUIRE(!pipe(fds));
	snprintf(path, sizeof path, "/dev/fd/%d", fds[1]);
	REQUIRE((fd = open(path, O_WRONLY)) >= 0 && write(fd, "x", 1) == 1 &&
		read(fds[0], buf, sizeof buf) == 1);
}

static void shared_memory(void)
{
	int fd = shm_open("/seuss-guest-test", O_CREAT | O_EXCL | O_RDWR, 0600), again;
	char *map;

	REQUIRE(fd >= 0 && !ftruncate(fd, 4096));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	strcpy(map, "shm");
	again = shm_open("/seuss-guest-test", O_RDONLY, 0);
	REQUIRE(again >= 0 && pread(again, map + 100, 3, 0) == 3 && !strcmp(map + 100, "shm"));
	REQUIRE(!shm_unlink("/seuss-guest-test"));
}

static void special_files(void)
{
	struct stat st;

	REQUIRE(!mkfifo("fifo", 0600) && !lstat("fifo", &st) && S_ISFIFO(st.st_mode));
	REQUIRE(FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO) &&
		open("fifo", O_RDONLY | O_NONBLOCK) >= 0);
	REQUIRE(open("fifo", O_WRONLY | O_NONBLOCK) >= 0);
	REQUIRE(!mknod("plain", S_IFREG | 0600, 0) && !lstat("plain", &st) && S_ISREG(st.st_mode));
	REQUIRE(FAILS(mknod("bad", 0170000, 0), EINVAL));
}

int main(void)
{
	sandbox_enter();
	GROUP("null and full", sinks());
	GROUP("zero and urandom", sources());
	GROUP("fd", descriptors());
	GROUP("shm", shared_memory());
	GROUP("special files", special_files());
	return 0;
}
