/* Namespaces of their own for the tenders, where the host grants them. */
#ifndef TENDER_NAMESPACES_H
#define TENDER_NAMESPACES_H

#include <sys/types.h>

/*
 * Forks into new pid, mount, ipc, uts and network namespaces, inside a user namespace if
 * the caller is not privileged. Returns the child's number to the caller and 0 in the
 * child, which dies with its parent; -1, in the caller, where the host refuses. *host_proc
 * is then -1, else the caller's /proc in the child.
 */
pid_t namespaces_enter(int *host_proc);

#endif
