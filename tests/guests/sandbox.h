/*
 * A directory of its own below /tmp for a guest program: made and entered first, removed with all in it at
 * the end.
 */
#ifndef GUESTS_SANDBOX_H
#define GUESTS_SANDBOX_H

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "require.h"

static char sandbox[32] = "/tmp/guest-XXXXXX";

static int sandbox_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void sandbox_leave(void)
{
	if (chdir("/") || nftw(sandbox, sandbox_remove_one, 16, FTW_DEPTH | FTW_PHYS))
		perror("cannot remove the sandbox");
}

static inline void sandbox_enter(void)
{
	umask(022);
	REQUIRE(mkdtemp(sandbox));
	atexit(sandbox_leave);
	REQUIRE(!chdir(sandbox));
}

/* Makes a file with that text; a descriptor for reading and writing, its position at the start. */
static inline int sandbox_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Whether the file holds exactly that text. */
static inline int sandbox_holds(const char *name, const char *text)
{
	char buf[4096];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, buf, sizeof buf);

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

#endif
