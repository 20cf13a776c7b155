#include "memory_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

#define PREFIX "seuss-"
#define ATTEMPTS 3
/* A process that was waited for may be in its group for a moment still. */
#define REMOVE_ATTEMPTS 20
#define REMOVE_PAUSE_US 1000

/* ---- where this process is ---- */

enum version { NO_GROUP, VERSION_1, VERSION_2 };

/* The word at the start of a list like "cpu,memory", as it is separated. */
static bool lists(const char *text, const char *word, const char *separators)
{
	size_t n = strlen(word);

	for (const char *p = text; *p;) {
		size_t length = strcspn(p, separators);

		if (length == n && !memcmp(p, word, n))
			return true;
		p += length + (p[length] != '\0');
	}
	return false;
}

/* Lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH. Version 1 has the controller where both are there. */
static enum version find_own(char *text, const char **path)
{
	enum version found = NO_GROUP;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!at)
			continue;
		*at++ = '\0';
		if (lists(controllers + 1, "memory", ",")) {
			*path = at;
			return VERSION_1;
		}
		if (!controllers[1]) {
			*path = at;
			found = VERSION_2;
		}
	}
	return found;
}

/* A line of /proc/self/mountinfo: NUMBER PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE SUPEROPTIONS. */
static bool is_mount_of(char *line, enum version version, const char **root, const char **point)
{
	char *behind = strstr(line, " - "), *fields[5], *rest, type[16], options[256];

	if (!behind || sscanf(behind, " - %15s %*s %255s", type, options) != 2)
		return false;
	if (version == VERSION_2 ? strcmp(type, "cgroup2") : strcmp(type, "cgroup") || !lists(options, "memory", ","))
		return false;
	for (int i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &rest);
		if (!fields[i])
			return false;
	}
	*root = fields[3];
	*point = fields[4];
	return true;
}

/* The directory of the group `path`; a descriptor or -1. A mount shows what is below its root. */
static int open_group(char *mounts, enum version version, const char *path)
{
	char *rest;

	for (char *line = strtok_r(mounts, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *root, *point;
		char dir[PATH_MAX];
		size_t n;

		if (!is_mount_of(line, version, &root, &point))
			continue;
		n = strcmp(root, "/") ? strlen(root) : 0;
		if (strncmp(path, root, n) || (n && path[n] && path[n] != '/') || strstr(path, "/.."))
			continue;
		if (snprintf(dir, sizeof dir, "%s%s", point, path + n) >= (int)sizeof dir)
			continue;
		return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static bool hands_memory_on(int group)
{
	char *text;
	bool does;

	if (group < 0 || read_text_at(group, "cgroup.subtree_control", &text) < 0)
		return false;
	does = lists(text, "memory", " \n");
	free(text);
	return does;
}

/*
 * Under version 2 a group with processes has no children with limits, unless it is the root: then the own group's parent is
 * looked at, which is the user's where systemd hands it over.
 */
static int choose_parent(int own, enum version version)
{
	int above;

	if (own < 0 || version == VERSION_1 || hands_memory_on(own))
		return own;
	above = openat(own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(own);
	if (hands_memory_on(above))
		return above;
	close_if_open(above);
	return -1;
}

static int find_parent(enum version *version)
{
	char *own, *mounts = NULL;
	const char *path = NULL;
	int dir = -1;

	*version = NO_GROUP;
	if (read_text_at(AT_FDCWD, "/proc/self/cgroup", &own) < 0)
		return -1;
	*version = find_own(own, &path);
	if (*version != NO_GROUP && read_text_at(AT_FDCWD, "/proc/self/mountinfo", &mounts) >= 0)
		dir = choose_parent(open_group(mounts, *version, path), *version);
	free(mounts);
	free(own);
	return dir;
}

/* ---- the group ---- */

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

static bool set_limit(int dir, enum version version, uint64_t limit)
{
	if (version == VERSION_2)
		return write_number(dir, "memory.max", limit);
	/* With swap where that is counted. */
	if (!write_number(dir, "memory.limit_in_bytes", limit))
		return false;
	write_number(dir, "memory.memsw.limit_in_bytes", limit);
	return true;
}

/* Another node may take it for stale before it is locked. */
static bool make(struct memory_group *g, enum version version, uint64_t limit)
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
	enum version version;

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
