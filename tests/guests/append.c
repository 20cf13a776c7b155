/* O_APPEND: each write goes to the end, wherever the position is. */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "sandbox.h"

static void two_writers(void)
{
	int a, b;

	close(sandbox_file("log", ""));
	a = open("log", O_WRONLY | O_APPEND);
	b = open("log", O_WRONLY | O_APPEND);
	REQUIRE(write(a, "one ", 4) == 4 && write(b, "two ", 4) == 4 && write(a, "three", 5) == 5);
	REQUIRE(sandbox_holds("log", "one two three"));
	REQUIRE(lseek(a, 0, SEEK_CUR) == 13);
	REQUIRE(lseek(a, 0, SEEK_SET) == 0 && write(a, ".", 1) == 1 &&
		sandbox_holds("log", "one two three."));
}

static void positioned(void)
{
	int fd = open("log", O_RDWR | O_APPEND | O_TRUNC);

	REQUIRE(write(fd, "base", 4) == 4);
	/* pwrite(2), BUGS: O_APPEND wins over the offset. */
	REQUIRE(pwrite(fd, "+", 1, 0) == 1 && sandbox_holds("log", "base+"));
	REQUIRE(!fcntl(fd, F_SETFL, 0) && pwrite(fd, "B", 1, 0) == 1 && sandbox_holds("log", "Base+"));
	REQUIRE(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "b", 1) == 1 && sandbox_holds("log", "base+"));
}

static void once(void)
{
	struct iovec iov = { "!", 1 };
	int fd = open("log", O_RDWR);

	REQUIRE(pwritev2(fd, &iov, 1, 0, RWF_APPEND) == 1 && sandbox_holds("log", "base+!"));
	REQUIRE((fcntl(fd, F_GETFL) & O_APPEND) == 0);
}

int main(void)
{
	sandbox_enter();
	GROUP("two writers", two_writers());
	GROUP("positioned writes", positioned());
	GROUP("RWF_APPEND", once());
	return 0;
}
