/* mkdir(2), rmdir(2), getdents(2), chdir(2), getcwd(2), openat(2). */
#define _GNU_SOURCE
#include <dirent.h>

#include "sandbox.h"

#define MANY 3000

static void make_remove(void)
{
	struct stat st;

	REQUIRE(!mkdir("d", 0777) && !stat("d", &st) && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0755);
	REQUIRE(FAILS(mkdir("d", 0777), EEXIST) && FAILS(mkdir("d/x/y", 0777), ENOENT));
	REQUIRE(!mkdir("d/sub/", 0700) && !stat("d", &st) && st.st_nlink == 3);
	REQUIRE(FAILS(rmdir("d"), ENOTEMPTY) && FAILS(unlink("d"), EISDIR));
	REQUIRE(FAILS(rmdir("d/."), EINVAL) && FAILS(rmdir("d/sub/.."), ENOTEMPTY));
	REQUIRE(!rmdir("d/sub/") && !stat("d", &st) && st.st_nlink == 2 && !rmdir("d"));
	close(sandbox_file("file", ""));
	REQUIRE(FAILS(rmdir("file"), ENOTDIR) && FAILS(mkdir("file/x", 0700), ENOTDIR));
	REQUIRE(FAILS(unlink("file/"), ENOTDIR) && FAILS(unlink("none"), ENOENT));
	REQUIRE(FAILS(mkdir("/", 0700), EEXIST) && FAILS(mkdir(".", 0700), EEXIST));
}

static int count(DIR *d, int *dots)
{
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			++*dots;
		else
			n++;
	}
	return n;
}

/* Each entry comes once, also when the buffer does not hold all. */
static void listing(void)
{
	char name[32];
	int dots = 0;
	DIR *d;

	REQUIRE(!mkdir("many", 0755));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "many/entry-%d", i);
		close(open(name, O_WRONLY | O_CREAT, 0600));
	}
	REQUIRE((d = opendir("many")) && count(d, &dots) == MANY && dots == 2);
	rewinddir(d);
	dots = 0;
	REQUIRE(count(d, &dots) == MANY && dots == 2);
	rewinddir(d);
	/* What is read may be removed: nothing is skipped. */
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		snprintf(name, sizeof name, "many/%.20s", e->d_name);
		if (e->d_name[0] != '.')
			REQUIRE(e->d_type == DT_REG && !unlink(name));
	}
	closedir(d);
	REQUIRE(!rmdir("many"));
}

static void position(void)
{
	struct dirent *e;
	char name[256];
	long at;
	DIR *d;

	REQUIRE(!mkdir("pos", 0755) && !mkdir("pos/a", 0755) && !mkdir("pos/b", 0755) &&
		!mkdir("pos/c", 0755));
	d = opendir("pos");
	for (int i = 0; i < 3; i++)
		REQUIRE(readdir(d));
	at = telldir(d);
	REQUIRE((e = readdir(d)));
	strcpy(name, e->d_name);
	REQUIRE(readdir(d));
	seekdir(d, at);
	REQUIRE((e = readdir(d)) && !strcmp(e->d_name, name));
	closedir(d);
}

static void working_directory(void)
{
	char here[256], buf[256];
	int fd;

	REQUIRE(getcwd(here, sizeof here) && !strcmp(here, sandbox));
	REQUIRE(!mkdir("w", 0755) && !mkdir("w/x", 0755) && !chdir("w/x"));
	REQUIRE(getcwd(buf, sizeof buf) && !strncmp(buf, here, strlen(here)) &&
		!strcmp(buf + strlen(here), "/w/x"));
	REQUIRE(!chdir("..") && (fd = open("x", O_PATH | O_DIRECTORY)) >= 0 && !fchdir(fd));
	REQUIRE(FAILS((long)getcwd(buf, 2) - 1, ERANGE));
	REQUIRE(!rmdir("../x") && FAILS((long)getcwd(buf, sizeof buf) - 1, ENOENT));
	REQUIRE(FAILS(mkdir("y", 0755), ENOENT) && FAILS(open("y", O_CREAT | O_WRONLY, 0600), ENOENT));
	REQUIRE(!chdir(here) && FAILS(chdir("none"), ENOENT));
	close(sandbox_file("f", ""));
	REQUIRE(FAILS(chdir("f"), ENOTDIR));
}

static void relative(void)
{
	int dir, file;

	REQUIRE(!mkdir("r", 0755) && (dir = open("r", O_RDONLY | O_DIRECTORY)) >= 0);
	REQUIRE((file = openat(dir, "f", O_CREAT | O_RDWR, 0600)) >= 0 && !access("r/f", F_OK));
	REQUIRE(!mkdirat(dir, "d", 0700) && !faccessat(dir, "d", X_OK, 0));
	REQUIRE(!unlinkat(dir, "d", AT_REMOVEDIR) && !unlinkat(dir, "f", 0));
	REQUIRE(FAILS(openat(file, "x", O_RDONLY), ENOTDIR) && FAILS(openat(999, "x", O_RDONLY), EBADF));
	REQUIRE(FAILS(openat(dir, "x", O_RDONLY), ENOENT));
}

static void long_names(void)
{
	char name[300], path[5000];

	memset(name, 'n', sizeof name);
	name[255] = 0;
	REQUIRE(!mkdir(name, 0755) && !rmdir(name));
	name[255] = 'n';
	name[256] = 0;
	REQUIRE(FAILS(mkdir(name, 0755), ENAMETOOLONG));
	memset(path, '/', sizeof path);
	path[4095] = 0;
	REQUIRE(!access(path, F_OK));
	path[4095] = '/';
	path[4999] = 0;
	REQUIRE(FAILS(access(path, F_OK), ENAMETOOLONG));
}

int main(void)
{
	sandbox_enter();
	GROUP("mkdir, rmdir", make_remove());
	GROUP("listing", listing());
	GROUP("seekdir", position());
	GROUP("working directory", working_directory());
	GROUP("relative to a descriptor", relative());
	GROUP("long names", long_names());
	return 0;
}
