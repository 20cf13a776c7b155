/* What the node starts a tender with. */
#ifndef TENDER_LAUNCH_H
#define TENDER_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/libos_image.h"
#include "sandbox/memory_group.h"

/* The control socket, as the node hands it over. */
#define CONTROL_FD 3

struct launch {
	const char *libos_path;
	int cpu;
	int index, count;       /* of the node's tenders */
	const char *peers_path; /* where others find this one, or NULL */
	uint32_t uc_max;
	bool bind_node; /* the node's main thread shares the first core: a message then wakes no sleeping
	                   core */
	uint32_t without; /* optimisations that are left out */
	uint64_t capture_max; /* bytes that a snapshot with a parent may store, or 0: as many as it has */
	uint64_t memory_max; /* that all UCs may take together, or 0: no group is made for them */
	const char *memory_group_name; /* all tenders of the node share it */
	struct memory_group memory_group;
	struct libos_image libos;
	int host_proc; /* /proc as the node sees it, when the tender has one of its own; else -1 */
};

#endif
