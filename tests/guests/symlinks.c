/* symlink(2), readlink(2), path_resolution(7). */
#define _GNU_SOURCE
#include "sandbox.h"

static void following(void)
{
	char buf[64];
	struct stat st;

	REQUIRE(!mkdir("d", 0755) && !symlink("d", "to-d") && !symlink("f", "d/to-f") &&
		!symlink("../d/f", "d/up"));
	close(sandbox_file("to-d/f", "content"));
	REQUIRE(sandbox_holds("d/f", "content") && sandbox_holds("to-d/to-f", "content"));
	REQUIRE(sandbox_holds("to-d/up", "content"));
	REQUIRE(!lstat("to-d", &st) && S_ISLNK(st.st_mode) && st.st_size == 1);
	REQUIRE(!stat("to-d", &st) && S_ISDIR(st.st_mode) && !lstat("to-d/", &st) && S_ISDIR(st.st_mode));
	memset(buf, '#', sizeof buf);
	REQUIRE(readlink("d/up", buf, sizeof buf) == 6 && !memcmp(buf, "../d/f#", 7));
	REQUIRE(readlink("d/up", buf, 3) == 3 && FAILS(readlink("d/up", buf, 0), EINVAL));
	REQUIRE(FAILS(readlink("d", buf, 9), EINVAL) && FAILS(readlink("d/f", buf, 9), EINVAL));
	REQUIRE(FAILS(symlink("", "empty"), ENOENT) && FAILS(symlink("x", "to-d"), EEXIST));
}

static void dangling(void)
{
	REQUIRE(!symlink("nowhere", "dangling") && FAILS(open("dangling", O_RDONLY), ENOENT));
	REQUIRE(FAILS(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST));
	REQUIRE(FAILS(open("dangling", O_RDWR | O_CREAT | O_NOFOLLOW, 0600), ELOOP));
	REQUIRE(FAILS(mkdir("dangling", 0700), EEXIST));
	close(open("dangling", O_RDWR | O_CREAT, 0600));
	REQUIRE(!access("nowhere", F_OK) && !unlink("dangling") && !access("nowhere", F_OK));
}

static void loops(void)
{
	char name[32], target[32];

	REQUIRE(!symlink("loop-b", "loop-a") && !symlink("loop-a", "loop-b"));
	REQUIRE(FAILS(open("loop-a", O_RDONLY), ELOOP) && FAILS(access("loop-a/x", F_OK), ELOOP));
	close(sandbox_file("chain-0", "end"));
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof name, "chain-%d", i);
		snprintf(target, sizeof target, "chain-%d", i - 1);
		REQUIRE(!symlink(target, name));
	}
	REQUIRE(sandbox_holds("chain-40", "end") && FAILS(access("chain-41", F_OK), ELOOP));
}

static void without_following(void)
{
	char buf[16];
	struct stat st;
	int fd;

	REQUIRE(FAILS(open("to-d", O_RDONLY | O_NOFOLLOW), ELOOP));
	REQUIRE((fd = open("to-d", O_PATH | O_NOFOLLOW)) >= 0 && !fstat(fd, &st) && S_ISLNK(st.st_mode));
	REQUIRE(readlinkat(fd, "", buf, sizeof buf) == 1 && FAILS(read(fd, buf, 1), EBADF));
	REQUIRE(!fstatat(AT_FDCWD, "to-d", &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode));
	REQUIRE(FAILS(unlink("to-d/"), ENOTDIR) && FAILS(rmdir("to-d"), ENOTDIR));
	REQUIRE(!rename("to-d", "renamed") && !lstat("renamed", &st) && S_ISLNK(st.st_mode));
}

static void absolute(void)
{
	char path[128], target[64];
	int fd = sandbox_file("abs", "absolute");

	snprintf(path, sizeof path, "%s/abs", sandbox);
	REQUIRE(!symlink(path, "d/abs") && sandbox_holds("d/abs", "absolute"));
	REQUIRE(!symlink("/", "root") && !access("root/tmp", F_OK) && !access("root/../../tmp", F_OK));
	snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
	REQUIRE(readlink(target, path, sizeof path) > 0 && sandbox_holds(target, "absolute"));
	REQUIRE(!unlink("abs") && sandbox_holds(target, "absolute"));
}

int main(void)
{
	sandbox_enter();
	GROUP("following", following());
	GROUP("dangling links", dangling());
	GROUP("loops", loops());
	GROUP("without following", without_following());
	GROUP("absolute targets", absolute());
	return 0;
}
