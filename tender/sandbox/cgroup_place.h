/* Where among the host's cgroups a process may make one that limits memory. */
#ifndef TENDER_CGROUP_PLACE_H
#define TENDER_CGROUP_PLACE_H

enum cgroup_version { CGROUP_NONE, CGROUP_1, CGROUP_2 };

/*
 * A descriptor of the directory to make it in, or -1. From the text of the process's /proc/PID/cgroup and
 * mountinfo, which are changed.
 */
int cgroup_open_parent(char *own, char *mounts, enum cgroup_version *version);

#endif
