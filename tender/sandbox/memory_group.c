#include "sandbox/memory_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_place.h"

#define PREFIX "seuss-"
/* Another tender may remove the folder between two calls. */
#define ATTEMPTS 3
/* A process that was waited for may be in its group for a moment still. */
#define REMOVE_ATTEMPTS 20
#define REMOVE_PAUSE_US 1000

static int find_parent(enum cgroup_version *version)
{
	char *own, *mounts = NULL;
	int dir = -1;

	if (read_text_at(AT_FDCWD, "/proc/self/cgroup", &own) < 0)
		return -1;
	if (read_text_at(AT_FDCWD, "/proc/self/mountinfo", &mounts) >= 0)
		dir = cgroup_open_parent(own, mounts, version);
	free(mounts);
	free(own);
	return dir;
}

static bool write_number(int dir, const char *name, uint64_t value)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	char text[32];
	int n = snprintf(text, sizeof text, "%" PRIu64, value);
	bool written = fd >= 0 && write(fd, text, (size_t)n) == n;

	close_if_open(fd);
	return written;
}

/* The tenders of a node, and what is around them, share a lock of their group as long as they live. */
static int open_locked(int parent, const char *name, int lock)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && flock(dir, lock | LOCK_NB) < 0) {
		close(dir);
		dir = -1;
	}
	return dir;
}

static void remove_stale(int parent)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!entries) {
		close_if_open(copy);
		return;
	}
	while ((e = readdir(entries))) {
		int dir;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			continue;
		dir = open_locked(parent, e->d_name, LOCK_EX);
		if (dir < 0)
			continue;
		/* One that has processes still stays for the next. */
		unlinkat(parent, e->d_name, AT_REMOVEDIR);
		close(dir);
	}
	closedir(entries);
}

static bool set_limit(int dir, enum cgroup_version version, uint64_t limit)
{
	if (version == CGROUP_2)
		return write_number(dir, "memory.max", limit);
	/* With swap where that is counted. */
	if (!write_number(dir, "memory.limit_in_bytes", limit))
		return false;
	write_number(dir, "memory.memsw.limit_in_bytes", limit);
	return true;
}

/* Another node may take it for stale before it is locked. */
static bool make(struct memory_group *g, enum cgroup_version version, uint64_t limit)
{
	if (mkdirat(g->parent, g->name, 0755) < 0 && errno != EEXIST)
		return false;
	g->dir = open_locked(g->parent, g->name, LOCK_SH);
	if (g->dir >= 0 && set_limit(g->dir, version, limit))
		return true;
	close_if_open(g->dir);
	g->dir = -1;
	unlinkat(g->parent, g->name, AT_REMOVEDIR);
	return false;
}

void memory_group_make(struct memory_group *g, const char *name, uint64_t limit)
{
	enum cgroup_version version;

	*g = (struct memory_group){ .parent = find_parent(&version), .dir = -1 };
	if (g->parent < 0)
		return;
	remove_stale(g->parent);
	snprintf(g->name, sizeof g->name, "%s", name);
	for (int i = 0; i < ATTEMPTS; i++)
		if (make(g, version, limit))
			return;
	close(g->parent);
	g->parent = -1;
}

bool memory_group_join(const struct memory_group *g, pid_t pid)
{
	return g->dir >= 0 && write_number(g->dir, "cgroup.procs", (uint64_t)pid);
}

void memory_group_remove(struct memory_group *g)
{
	/* Unless another tender has it. */
	if (g->dir < 0 || flock(g->dir, LOCK_EX | LOCK_NB) < 0)
		return;
	for (int i = 0; i < REMOVE_ATTEMPTS; i++) {
		if (unlinkat(g->parent, g->name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		usleep(REMOVE_PAUSE_US);
	}
}
