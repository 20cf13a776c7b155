#include "sandbox/cgroup_place.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

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

/*
 * Lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH. Version 1 has the controller where both are there.
 */
static enum cgroup_version find_own(char *text, const char **path)
{
	enum cgroup_version found = CGROUP_NONE;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *controllers = strchr(line, ':'),
		     *at = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!at)
			continue;
		*at++ = '\0';
		if (lists(controllers + 1, "memory", ",")) {
			*path = at;
			return CGROUP_1;
		}
		if (!controllers[1]) {
			*path = at;
			found = CGROUP_2;
		}
	}
	return found;
}

/* A line of /proc/self/mountinfo: NUMBER PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE SUPEROPTIONS. */
static bool is_mount_of(char *line, enum cgroup_version version, const char **root, const char **point)
{
	char *behind = strstr(line, " - "), *fields[5], *rest, type[16], options[256];

	if (!behind || sscanf(behind, " - %15s %*s %255s", type, options) != 2)
		return false;
	if (version == CGROUP_2 ? strcmp(type, "cgroup2")
				: strcmp(type, "cgroup") || !lists(options, "memory", ","))
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
static int open_group(char *mounts, enum cgroup_version version, const char *path)
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
 * Under version 2 a group with processes has no children with limits, unless it is the root: then the own
 * group's parent is looked at, which is the user's where systemd hands it over.
 */
static int choose_parent(int own, enum cgroup_version version)
{
	int above;

	if (own < 0 || version == CGROUP_1 || hands_memory_on(own))
		return own;
	above = openat(own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(own);
	if (hands_memory_on(above))
		return above;
	close_if_open(above);
	return -1;
}

int cgroup_open_parent(char *own, char *mounts, enum cgroup_version *version)
{
	const char *path = NULL;

	*version = find_own(own, &path);
	return *version == CGROUP_NONE ? -1 : choose_parent(open_group(mounts, *version, path), *version);
}
