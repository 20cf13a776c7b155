/*
 * A memory cgroup around the UCs of a node, where the host lets it be made: what they take together the
 * kernel itself bounds, whatever happens to the tenders, and its killer chooses only among them.
 */
#ifndef TENDER_MEMORY_GROUP_H
#define TENDER_MEMORY_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct memory_group {
	int parent; /* directory of the group that it is in */
	int dir;    /* its own, or -1: the host grants none */
	char name[32];
};

#define MEMORY_GROUP_NONE { .parent = -1, .dir = -1 }

/*
 * Makes it, unless another tender of the node has, and removes those that nodes which were killed have left.
 */
void memory_group_make(struct memory_group *g, const char *name, uint64_t limit);
/* Puts a process into it, whose children will be in it too; false if the host refuses, or there is none. */
bool memory_group_join(const struct memory_group *g, pid_t pid);
/* This tender's processes are gone: once those of the others are. */
void memory_group_remove(struct memory_group *g);

#endif
