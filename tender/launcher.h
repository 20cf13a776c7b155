/* Processes around the tenders: one launcher, namespaces where the host grants them, one tender per core. */
#ifndef TENDER_LAUNCHER_H
#define TENDER_LAUNCHER_H

#include "libos_image.h"
#include "memory_group.h"
#include "peers.h"

/* The node's control sockets begin at this descriptor, one per core. */
#define CONTROL_FD_FIRST 3

struct launch {
	const char *libos_path;
	int cpus[PEERS_MAX];
	int cpu_count;
	uint32_t uc_max;
	bool bind_node; /* the node's main thread shares the first core: a message then wakes no sleeping core */
	uint32_t without; /* optimisations that are left out */
	uint64_t memory_max; /* that all UCs may take together, or 0: no group is made for them */
	struct memory_group memory_group;
	struct libos_image libos;
	int packs[PEERS_MAX]; /* words.h */
	int huge_fs;   /* huge_fs_open */
	int host_proc; /* /proc as the node sees it, when the tenders have one of their own; else -1 */
};

/* Starts the tenders and stays until one of them ends, which ends all. */
void launch(struct launch *l) __attribute__((noreturn));

/* tender.c: the life of tender `index`; socks[i] leads to tender i. */
void tender_main(const struct launch *l, int index, const int *socks) __attribute__((noreturn));

#endif
