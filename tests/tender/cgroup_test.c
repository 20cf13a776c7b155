/* Where a memory cgroup is made: trees of files that stand for those of the kernel. */
#include "check.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tender/sandbox/cgroup_place.h"

static char root[] = "/tmp/seuss-cgroup-XXXXXX";

static char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s%s", root, name);
	return path;
}

static void dir(const char *name)
{
	CHECK(mkdir(path_of(name), 0755) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/* What a group hands on to those below it. */
static void controllers(const char *group, const char *text)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof name, "%s/cgroup.subtree_control", group);
	file = fopen(path_of(name), "w");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Mounts are written with the tree's root for %s. NULL: none is found. */
static void expect(const char *own, const char *mounts, enum cgroup_version version, const char *found)
{
	char own_copy[512], mount_copy[2048], at[PATH_MAX], link[64], real[PATH_MAX];
	enum cgroup_version got;
	ssize_t n;
	int fd;

	snprintf(own_copy, sizeof own_copy, "%s", own);
	snprintf(mount_copy, sizeof mount_copy, mounts, root, root);
	fd = cgroup_open_parent(own_copy, mount_copy, &got);
	CHECK(got == version);
	CHECK((fd >= 0) == (found != NULL));
	if (!found)
		return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, at, sizeof at - 1);
	CHECK(n > 0);
	at[n] = '\0';
	CHECK(realpath(path_of(found), real));
	CHECK(!strcmp(at, real));
	close(fd);
}

#define V1_MOUNTS                                                           \
	"30 25 0:26 / %s/cpu rw,relatime shared:1 - cgroup cgroup rw,cpu\n" \
	"31 25 0:27 / %s/memory rw,relatime shared:2 - cgroup cgroup rw,memory\n"
#define V2_MOUNTS                                    \
	"24 1 8:1 / / rw - ext4 /dev/sda1 rw # %s\n" \
	"30 25 0:26 / %s/unified rw,nosuid,nodev shared:1 - cgroup2 cgroup2 rw,nsdelegate\n"

static void the_own_group_of_version_1_is_found(void)
{
	dir("/memory");
	dir("/memory/box");
	dir("/memory/box/7");
	expect("9:name=systemd:/\n4:cpu,memory:/box/7\n0::/\n", V1_MOUNTS, CGROUP_1, "/memory/box/7");
	expect("4:memory:/\n0::/\n", V1_MOUNTS, CGROUP_1, "/memory/");
	/* A container sees what is below its own group. */
	expect("4:memory:/docker/a/box\n",
	       "30 25 0:26 / %s/none rw - tmpfs none rw\n"
	       "31 25 0:27 /docker/a %s/memory rw - cgroup cgroup rw,memory\n",
	       CGROUP_1, "/memory/box");
	expect("4:memory:/docker/ab/box\n",
	       "30 25 0:26 / %s/none rw - tmpfs none rw\n"
	       "31 25 0:27 /docker/a %s/memory rw - cgroup cgroup rw,memory\n",
	       CGROUP_1, NULL);
	expect("4:memory:/gone\n", V1_MOUNTS, CGROUP_1, NULL);
	expect("4:memory:/../box\n", V1_MOUNTS, CGROUP_1, NULL);
}

static void version_2_wants_a_group_that_hands_memory_on(void)
{
	dir("/unified");
	dir("/unified/app.slice");
	dir("/unified/app.slice/seuss.scope");
	controllers("/unified", "cpu io memory pids\n");
	controllers("/unified/app.slice", "memory pids\n");
	controllers("/unified/app.slice/seuss.scope", "\n");
	expect("0::/app.slice/seuss.scope\n", V2_MOUNTS, CGROUP_2, "/unified/app.slice");
	/* The root may have processes and hand on, too. */
	expect("0::/\n", V2_MOUNTS, CGROUP_2, "/unified");
	controllers("/unified/app.slice", "pids memory_like\n");
	expect("0::/app.slice/seuss.scope\n", V2_MOUNTS, CGROUP_2, NULL);
}

static void what_is_not_there_is_no_error(void)
{
	expect("", V2_MOUNTS, CGROUP_NONE, NULL);
	expect("0::/\n", "", CGROUP_2, NULL);
	expect("rubbish\n:\n::\n", V1_MOUNTS, CGROUP_2, NULL);
	expect("0::/\n", "- cgroup2\n - cgroup2 x\nx - cgroup2 a b\n%s %s\n", CGROUP_2, NULL);
}

int main(void)
{
	CHECK(mkdtemp(root));
	dir("/cpu");
	RUN(the_own_group_of_version_1_is_found);
	RUN(version_2_wants_a_group_that_hands_memory_on);
	RUN(what_is_not_there_is_no_error);
	CHECK(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
	return 0;
}
