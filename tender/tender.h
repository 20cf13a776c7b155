/*
 * The state of a tender: one per process, handed to whoever needs it. Each room has its part in it, and its header says
 * what that is; no room looks into the part of another.
 */
#ifndef TENDER_TENDER_H
#define TENDER_TENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/file_id.h"
#include "base/peer_set.h"
#include "base/table.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/spare_layer.h"
#include "memory/words.h"
#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"
#include "sandbox/zygote.h"
#include "uc/uc.h"

struct control;
struct peer;
struct joining;
struct memory_hooks;
struct uc_hooks;
struct snapshot;
struct stores;

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
	struct vma_list *embryo_map; /* reset.c: what every embryo has mapped; NULL before it is asked for */

	struct loop loop;
	struct control *control;
	struct peer *peers; /* peer.h: count entries, the own one unused */
	struct joining *joining; /* peer_join.c */

	struct list_node pool; /* embryos, ready */
	int pool_size;
	struct list_node templates, dead_templates;
	int template_count;
	uint32_t learn_from; /* UC whose working set is to be looked at, or 0 */
	uint64_t learn_by_ns;
	uint32_t looked_at; /* UC whose working set is being looked at, or 0: it is killed after that */
	struct list_node table[UC_TABLE_SIZE];
	uint32_t uc_count; /* in the table, with a process */
	struct list_node dead;
	struct list_node ending; /* UCs that have closed their link and not ended yet */
	struct list_node watched, dozing;
	struct event_source ticks;  /* limits.c */
	struct event_source alarms; /* cpu_alarm.c */
	void (*alarm_rung)(struct tender *t, struct uc *uc);
	struct list_node resets;
	struct list_node captures;
	struct list_node sharers; /* link_share.c */
	uint64_t shares_ns;       /* when they had a turn */
	struct operations operations;
	const struct memory_hooks *memory_hooks;
	const struct uc_hooks *uc_hooks;
	uint64_t next_deploy;
	size_t kept_freed; /* bytes of demoted UCs since the heap was trimmed */
	uint64_t next_tick_ns;
	uint64_t oom_kills; /* procfs_oom_kills, when it was last asked */

	struct table images, layers, snapshots; /* by inode, inode, number */
	struct list_node image_numbers;
	struct spare_layer spare_layer;
	int packs[PEERS_MAX]; /* words.c, by tender; -1: not known */
	uint64_t pack_end; /* of the own one */
	struct table blocks;
	struct snapshot *words_files[WORDS_FILES_MAX];
	unsigned next_words_file;
	struct list_node handovers;
	struct list_node diffs; /* snapshot_diff.c: under way, in the order of their requests */
	uint64_t next_handover;
	struct stores *stores;
};

#endif
