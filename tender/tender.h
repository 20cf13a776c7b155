/*
 * The state of a tender: one per process, handed to whoever needs it. Each room has its part in it, and its
 * header says what that is; no room looks into the part of another.
 */
#ifndef TENDER_TENDER_H
#define TENDER_TENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/file_id.h"
#include "base/table.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/spare_layer.h"
#include "memory/packs.h"
#include "peers/peers.h"
#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"
#include "sandbox/zygote.h"
#include "start/embryo_pool.h"
#include "start/learning.h"
#include "start/template.h"
#include "uc/cpu_alarm.h"
#include "uc/limits.h"
#include "uc/link_share.h"
#include "uc/uc.h"

struct control;
struct peer;
struct joining;
struct memory_hooks;
struct uc_hooks;
struct stores;
struct vma_list;

struct tender {
	/* Constant after the start. */
	int index, count; /* which of the node's tenders this is */
	int cpu;
	uint32_t uc_max;
	struct libos_image libos;
	struct file_id libos_file;
	uint64_t vdso_clock_gettime;
	uint32_t xstate_bytes;
	uint64_t xstate_mask;
	int huge_fs;   /* huge_image.c, or -1; all tenders of the node have the same */
	int host_proc; /* /proc as the node sees it */
	uint32_t without; /* optimisations that are left out */
	uint64_t capture_max; /* bytes that a snapshot with a parent may store, or 0: as many as it has */
	struct privileges privileges;
	bool in_memory_group; /* UCs are: memory_group.h */
	unsigned uc_user; /* that UCs are given where the host lets us */
	struct zygote zygote;
	struct event_source zygote_end;

	/* loop/ */
	struct loop loop;
	struct control *control;
	struct operations operations;

	/* memory/ */
	const struct memory_hooks *memory_hooks;
	struct images images;
	struct table layers, snapshots; /* by inode, number */
	struct spare_layer spare_layer;
	struct packs packs;

	/* uc/ */
	const struct uc_hooks *uc_hooks;
	struct uc_table ucs;
	struct limits limits;
	struct cpu_alarms alarms;
	struct link_shares shares;

	/* peers/ */
	struct peer *peers; /* count entries, the own one unused */
	struct joining *joining;
	struct handovers handovers;

	/* start/ */
	struct embryo_pool pool;
	struct templates templates;
	struct learning learning;
	uint64_t next_deploy;

	/* capture/ */
	struct list_node captures; /* capture_later.c */
	struct list_node diffs;    /* snapshot_diff.c: under way, in the order of their requests */

	/* idle/ */
	struct list_node resets;
	struct vma_list *embryo_map; /* what every embryo has mapped; NULL before it is asked for */
	size_t remains_freed; /* bytes of demoted UCs since the heap was trimmed */

	/* disk/ */
	struct stores *stores;
};

#endif
