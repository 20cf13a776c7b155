/* The tender's state: one struct tender per process, handed to whoever needs it. */
#ifndef TENDER_CONTEXT_H
#define TENDER_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/link.h"
#include "base/base.h"
#include "base/file_id.h"
#include "base/table.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "plan/page_runs.h"
#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"
#include "sandbox/zygote.h"

/* Tenders of one node. */
#define PEERS_MAX 256

struct peer_set {
	uint64_t bits[PEERS_MAX / 64];
};

static inline void peer_set_add(struct peer_set *set, int i)
{
	set->bits[i / 64] |= 1ull << i % 64;
}

static inline void peer_set_remove(struct peer_set *set, int i)
{
	set->bits[i / 64] &= ~(1ull << i % 64);
}

static inline bool peer_set_has(const struct peer_set *set, int i)
{
	return set->bits[i / 64] >> i % 64 & 1;
}

static inline bool peer_set_is_empty(const struct peer_set *set)
{
	for (int i = 0; i < PEERS_MAX / 64; i++)
		if (set->bits[i])
			return false;
	return true;
}

struct tender;
struct hostfs;
struct template;
struct kept;
struct stores;
struct vma_list;

/* image.c: a file-system image of the node; one per file. */
struct image {
	struct list_node node;
	int refs; /* the node's numbers, UCs and snapshots */
	int fd;
	struct file_id file;
	uint64_t bytes;
};

/* layer.c: pages that one capture has stored; shared by all its descendants. */
struct layer {
	struct list_node node;
	int refs;
	int fd;
	struct file_id file;
	uint64_t bytes;
	char *view; /* layer_view, or NULL */
	struct page_runs data; /* layer_data, once it was asked for: a layer has some */
};

/* Descriptors of a deploy travel in one message, which the library OS takes up to this number. */
#define DEPLOY_FDS_MAX 64
#define LAYERS_MAX (DEPLOY_FDS_MAX - UC_IMAGE_MAX - LINK_PLANS_MAX)

/* pages.c: the whole memory of a snapshot, as files to map and the plan to do it. */
struct pages {
	int refs; /* of the snapshot, and of each UC and template that has mapped it */
	int plan_fd;
	uint64_t plan_bytes;
	struct pages *derived_from; /* derived_fd is for a process with these mapped: plan_delta.c */
	int derived_fd;             /* or -1 */
	uint64_t derived_bytes;
	int derive_error;
	int layer_count;
	struct layer **layers;
};

/* words.c: a plan in the pack of a tender. */
struct words {
	int owner;
	uint64_t offset, bytes;
};

/* Files of their own that plans out of packs have at a time: more than a deploy takes. */
#define WORDS_FILES_MAX 64

/*
 * snapshot.c. It is kept as pages, or compact, as what differs from its parent: compact.c.
 */
struct snapshot {
	struct list_node node; /* known snapshots, until dropped */
	uint64_t number, parent;
	int refs; /* the table's, one for each UC deployed from it or kept as a difference from it, and compact children's */
	struct pages *pages;   /* of one that is not compact, else NULL */
	struct snapshot *base; /* of a compact one: its parent; else NULL */
	struct words words;    /* of a compact one: the plan that makes it of its base */
	int words_fd;          /* a file of its own with that, or -1: words.c */
	unsigned words_slot;
	struct tender *tender; /* whose it is */
	uint64_t starts; /* by this tender, those of what is kept as words on it too */
	int image_count;
	struct image *images[UC_IMAGE_MAX];
};

enum uc_state {
	UC_EMBRYO,    /* in the pool or ready in a template */
	UC_STARTING,  /* LINK_BOOT or LINK_DEPLOY was sent, not confirmed yet */
	UC_RUNNING,
	UC_DEMOTED, /* without process and link: see kept */
	UC_GONE, /* reaped; freed once no event can name it */
};

/* idle_limit.c */
enum uc_idle {
	UC_AT_WORK, /* on a message, or on its way to its first one */
	UC_ASKED,   /* it was sent a message, which it was not seen to take */
	UC_IDLE,    /* it has answered */
};

/* Packets that the UC's socket did not take yet. */
struct packet {
	struct packet *next;
	size_t bytes;
	int fd; /* travels along, or -1 */
	char data[];
};

/* uc.c */
struct uc {
	struct event_source link;
	struct list_node node;    /* pool, table chain or dead list */
	struct list_node ending;  /* uc.c: its link is closed, its end not seen */
	struct list_node watched; /* limits.c: UCs whose memory is looked at often, or that doze */
	uint32_t id;
	enum uc_state state;
	pid_t pid;
	uint64_t made_ns; /* time that its process took to make */
	bool in_pool;
	struct template *template; /* it stands ready there, or NULL */
	enum embryo_fetch fetch;
	unsigned answers;          /* of its driver, until there is nothing to learn */
	bool learned;              /* what it has touched is known, or is no working set */
	uint64_t asked_ns;         /* when its driver got a message that it has not answered yet, or 0 */
	struct kept *kept;         /* demote.h: of a demoted UC, else NULL */
	uint64_t earlier_cpu_ns;   /* of processes that it had before */
	struct list_node resetting; /* reset.c: UCs that are to be reset once they are at rest */
	uint32_t reset_seq;        /* request to answer then */
	uint64_t reset_asked_ns, reset_next_ns;
	struct operation_subject subject;
	struct list_node capturing;     /* capture_later.c: UCs that have answered and are to be captured */
	struct control_frame capture;   /* request to carry out when it has answered; no seq: there is none */
	struct control_capture capture_how;
	uint32_t resets;           /* how often it was put back to its snapshot */
	uint32_t reset_pages;      /* its private pages at the second time */

	struct packet *out_first, *out_last;
	size_t out_bytes;

	struct snapshot *origin; /* deployed from, or NULL */
	struct pages *pages;     /* whose layers it has mapped, or NULL */
	int compact;             /* snapshots from origin up whose words make it out of these */
	struct hostfs *hostfs;   /* root of a UC booted with LINK_ROOT_HOST, or NULL */
	bool has_host_files;     /* such files have no place in a snapshot */
	int image_count;
	struct image *images[UC_IMAGE_MAX];

	uint64_t deploy_id, started_ns;
	uint32_t start_seq; /* request to answer when LINK_DEPLOYED comes */
	uint32_t *kill_seqs; /* requests to answer when the process is gone */
	int kill_count;
	enum control_exit_reason exit_reason;
	bool refused; /* it broke the protocol of its link: nothing of it is passed on any more */
	bool waited; /* its end has been seen, the rest of its frames not yet */
	struct control_exit end;

	/* link_share.c */
	struct list_node sharing; /* UCs that are not listened to */
	int64_t share_bytes;      /* that it may send at once; below 0: it has had its share */
	uint64_t share_ns;        /* when that was so last */
	bool muted;               /* nobody wants its output */
	bool traced;              /* LINK_TRACE is wanted of it */
	bool told_panic, told_exit;

	uint64_t memory_limit;
	enum uc_idle idle;
	uint64_t idle_from_ns; /* its processor time when it was first looked at since then, or 0 */
	uint64_t idle_untaken; /* bytes of the message that it had not taken then */
	uint64_t watched_cpu_ns, looked_cpu_ns; /* its CPU time at the last tick, and when its memory was last looked at */
	int watched_quiet; /* ticks in a row without progress of its CPU time */
	bool dozes;        /* it is not watched, and has no alarm */
	bool has_alarm;
	timer_t alarm;     /* cpu_alarm.c */
	uint64_t told_bytes; /* of memory that the node knows of */
};

/* spare_layer.h */
struct spare_layer {
	int fd; /* or -1 */
	char *view; /* all its bytes, writable, or NULL */
	uint64_t bytes; /* that it has pages for */
	uint64_t wanted; /* 0 as long as there was no capture */
	char *old_view; /* of the layer before, or NULL */
	uint64_t old_view_bytes;
};

#define UC_TABLE_SIZE 4096

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
