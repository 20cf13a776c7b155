/* rename(2), renameat2(2), link(2). */
#define _GNU_SOURCE
#include "sandbox.h"

static void over_files(void)
{
	int old = sandbox_file("b", "old");
	char buf[8];

	close(sandbox_file("a", "new"));
	REQUIRE(!rename("a", "b") && FAILS(access("a", F_OK), ENOENT) && sandbox_holds("b", "new"));
	REQUIRE(read(old, buf, 8) == 3 && !memcmp(buf, "old", 3));
	REQUIRE(!rename("b", "b") && FAILS(rename("none", "b"), ENOENT));
	REQUIRE(FAILS(rename("b", "b/x"), ENOTDIR) && FAILS(rename("b", "none/x"), ENOENT));
	REQUIRE(FAILS(rename("b", "new/"), ENOTDIR) && FAILS(rename(".", "x"), EBUSY));
}

static void directories(void)
{
	struct stat st;

	REQUIRE(!mkdir("d", 0755) && !mkdir("d/sub", 0755) && !mkdir("e", 0755));
	close(sandbox_file("d/sub/f", "deep"));
	REQUIRE(FAILS(rename("d", "d/sub/x"), EINVAL) && FAILS(rename("e", "d"), ENOTEMPTY));
	REQUIRE(FAILS(rename("d", "b"), ENOTDIR) && FAILS(rename("b", "d"), EISDIR));
	REQUIRE(!rename("d/sub", "e") && sandbox_holds("e/f", "deep"));
	REQUIRE(!stat("d", &st) && st.st_nlink == 2);
	REQUIRE(!rename("e", "d/moved/") && sandbox_holds("d/moved/f", "deep"));
	REQUIRE(!stat("d", &st) && st.st_nlink == 3 && !stat("d/moved/..", &st));
	REQUIRE(!rename("d/moved/f", "f") && sandbox_holds("f", "deep"));
}

static void flags(void)
{
	close(sandbox_file("x", "x"));
	close(sandbox_file("y", "y"));
	REQUIRE(!mkdir("dir", 0755));
	REQUIRE(FAILS(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_NOREPLACE), EEXIST));
	REQUIRE(!renameat2(AT_FDCWD, "x", AT_FDCWD, "z", RENAME_NOREPLACE));
	REQUIRE(!renameat2(AT_FDCWD, "z", AT_FDCWD, "y", RENAME_EXCHANGE));
	REQUIRE(sandbox_holds("y", "x") && sandbox_holds("z", "y"));
	REQUIRE(!renameat2(AT_FDCWD, "z", AT_FDCWD, "dir", RENAME_EXCHANGE));
	REQUIRE(sandbox_holds("dir", "y") && !rmdir("z"));
	REQUIRE(FAILS(renameat2(AT_FDCWD, "y", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT));
	REQUIRE(FAILS(renameat2(AT_FDCWD, "y", AT_FDCWD, "q", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL));
}

static void hard_links(void)
{
	struct stat a, b;

	close(sandbox_file("one", "1"));
	REQUIRE(!link("one", "two") && !stat("one", &a) && !stat("two", &b));
	REQUIRE(a.st_ino == b.st_ino && a.st_nlink == 2);
	REQUIRE(FAILS(link("one", "two"), EEXIST) && FAILS(link("none", "three"), ENOENT));
	REQUIRE(FAILS(link(".", "dirlink"), EPERM));
	/* Two names of one file: rename does nothing. */
	REQUIRE(!rename("one", "two") && !access("one", F_OK) && !access("two", F_OK));
	REQUIRE(!unlink("one") && !stat("two", &b) && b.st_nlink == 1 && sandbox_holds("two", "1"));
	REQUIRE(!symlink("two", "sym") && !linkat(AT_FDCWD, "sym", AT_FDCWD, "hard", 0));
	REQUIRE(!lstat("hard", &a) && S_ISLNK(a.st_mode));
	REQUIRE(!linkat(AT_FDCWD, "sym", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
	REQUIRE(!lstat("hard2", &a) && S_ISREG(a.st_mode));
}

int main(void)
{
	sandbox_enter();
	GROUP("over files", over_files());
	GROUP("directories", directories());
	GROUP("flags", flags());
	GROUP("hard links", hard_links());
	return 0;
}
