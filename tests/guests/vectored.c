/* readv(2), writev(2), preadv2(2). */
#define _GNU_SOURCE
#include <limits.h>
#include <sys/uio.h>

#include "sandbox.h"

/* An address that is never mapped, and that the compiler does not see through. */
static void *volatile nowhere = (void *)1;

static void gather_scatter(void)
{
	char a[4] = "", b[8] = "", c[16] = "";
	struct iovec out[3] = { { "abc", 3 }, { NULL, 0 }, { "defgh", 5 } };
	struct iovec in[3] = { { a, 3 }, { b, 2 }, { c, 16 } };
	int fd = sandbox_file("v", "");

	REQUIRE(writev(fd, out, 3) == 8 && sandbox_holds("v", "abcdefgh"));
	REQUIRE(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 3) == 8);
	REQUIRE(!strcmp(a, "abc") && !strcmp(b, "de") && !strcmp(c, "fgh"));
	REQUIRE(preadv(fd, in, 1, 4) == 3 && !memcmp(a, "efg", 3));
	REQUIRE(pwritev(fd, out, 1, 5) == 3 && sandbox_holds("v", "abcdeabc"));
	REQUIRE(preadv2(fd, in, 1, -1, 0) == 0);
}

static void many(void)
{
	static char text[IOV_MAX];
	static struct iovec iov[IOV_MAX + 1];
	int fd = sandbox_file("many", "");

	for (int i = 0; i < IOV_MAX; i++) {
		text[i] = (char)('a' + i % 26);
		iov[i] = (struct iovec){ &text[i], 1 };
	}
	REQUIRE(writev(fd, iov, IOV_MAX) == IOV_MAX);
	memset(text, 0, sizeof text);
	REQUIRE(preadv(fd, iov, IOV_MAX, 0) == IOV_MAX && text[0] == 'a' &&
		text[IOV_MAX - 1] == 'a' + (IOV_MAX - 1) % 26);
	REQUIRE(FAILS(writev(fd, iov, IOV_MAX + 1), EINVAL));
}

static void refusals(void)
{
	struct iovec bad = { nowhere, 4 }, fine = { &fine, 1 }, negative = { "x", (size_t)-1 };
	int fd = sandbox_file("r", "text");

	REQUIRE(FAILS(readv(fd, &bad, 1), EFAULT) && FAILS(writev(fd, &bad, 1), EFAULT));
	REQUIRE(FAILS(writev(fd, &negative, 1), EINVAL) && FAILS(writev(fd, nowhere, 1), EFAULT));
	REQUIRE(FAILS(writev(-1, &negative, 1), EBADF) || errno == EINVAL);
	REQUIRE(writev(fd, NULL, 0) == 0);
	REQUIRE(FAILS(preadv2(fd, &fine, 1, 0, 0x40000000), EOPNOTSUPP));
}

int main(void)
{
	sandbox_enter();
	GROUP("gather and scatter", gather_scatter());
	GROUP("as many as may be", many());
	GROUP("refusals", refusals());
	return 0;
}
