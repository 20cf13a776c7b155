/* UCs as the tender knows them: table, kill, end. */
#ifndef TENDER_UC_H
#define TENDER_UC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "base/base.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "sandbox/zygote.h"

struct template;
struct remains;
struct snapshot;
struct pages;
struct hostfs;
struct image;
struct tender;

enum uc_state {
	UC_EMBRYO,    /* in the pool or ready in a template */
	UC_STARTING,  /* LINK_BOOT or LINK_DEPLOY was sent, not confirmed yet */
	UC_RUNNING,
	UC_DEMOTED, /* without process and link: see remains */
	UC_GONE, /* reaped; freed once no event can name it */
};

/* idle_limit.h */
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

struct uc {
	uint32_t id;
	enum uc_state state;
	struct list_node node;   /* pool, table chain or dead list */
	struct list_node ending; /* its link is closed, its end not seen */
	pid_t pid;
	uint64_t made_ns;        /* time that its process took to make */
	uint64_t earlier_cpu_ns; /* of processes that it had before */
	struct operation_subject subject;

	/* What it is made of. */
	struct snapshot *origin; /* deployed from, or NULL */
	struct pages *pages;     /* whose layers it has mapped, or NULL */
	int compact;             /* snapshots from origin up whose words make it out of these */
	struct hostfs *hostfs;   /* root of a UC booted with LINK_ROOT_HOST, or NULL */
	bool has_host_files;     /* such files have no place in a snapshot */
	int image_count;
	struct image *images[UC_IMAGE_MAX];

	/* Its end. */
	struct {
		uint32_t *seqs; /* requests to answer when the process is gone */
		int count;
	} kill;
	enum control_exit_reason exit_reason;
	bool waited; /* its end has been seen, the rest of its frames not yet */
	struct control_exit end;

	/* link_hub.c */
	struct event_source link;
	struct {
		struct packet *first, *last;
		size_t bytes;
	} out;
	uint64_t asked_ns; /* when its driver got a message that it has not answered yet, or 0 */
	bool refused;      /* it broke the protocol of its link: nothing of it is passed on any more */
	bool muted;        /* nobody wants its output */
	bool traced;       /* LINK_TRACE is wanted of it */
	bool told_panic, told_exit;

	/* link_share.c */
	struct {
		struct list_node waiting; /* UCs that are not listened to */
		int64_t bytes;            /* that it may send at once; below 0: it has had its share */
		uint64_t used_up_ns;      /* when that was so last */
	} share;

	/* limits.c */
	uint64_t memory_limit;
	struct {
		struct list_node node;          /* UCs whose memory is looked at often, or that doze */
		uint64_t cpu_ns, looked_cpu_ns; /* its CPU time at the last tick, and when its memory was last
		                                   looked at */
		int quiet; /* ticks in a row without progress of its CPU time */
		bool dozes; /* it is not watched, and has no alarm */
		uint64_t told_bytes; /* of memory that the node knows of */
	} watch;

	/* cpu_alarm.c */
	struct {
		bool is_set;
		timer_t timer;
	} alarm;

	/* idle_limit.c */
	struct {
		enum uc_idle state;
		uint64_t from_ns; /* its processor time when it was first looked at since then, or 0 */
		uint64_t untaken; /* bytes of the message that it had not taken then */
	} idle;

	/* start/: start.c, embryo_pool.c, template.c, learning.c */
	struct {
		uint64_t deploy_id, at_ns;
		uint32_t seq; /* request to answer when LINK_DEPLOYED comes */
		char *panic; /* why it will not come, if that was said, or NULL */
	} start;
	bool in_pool;
	struct template *template; /* it stands ready there, or NULL */
	enum embryo_fetch fetch;
	struct {
		unsigned answers; /* of its driver, until there is nothing to learn */
		bool done; /* what it has touched is known, or is no working set */
	} learn;

	/* capture/capture_later.c */
	struct {
		struct list_node waiting; /* UCs that have answered and are to be captured */
		struct control_frame frame; /* request to carry out when it has answered; no seq: there is
		                               none */
		struct control_capture how;
	} capture;

	/* idle/: demote.c, reset.c */
	struct remains *remains; /* of a demoted UC, else NULL */
	struct {
		struct list_node waiting; /* UCs that are to be reset once they are at rest */
		uint32_t seq; /* request to answer then */
		uint64_t asked_ns, next_ns;
		uint32_t count; /* how often it was put back to its snapshot */
		uint32_t pages; /* its private pages at the second time */
	} reset;
};

/* Chains: with 10,000 contexts one has two or three. */
#define UC_TABLE_SIZE 4096

struct uc_table {
	struct list_node chains[UC_TABLE_SIZE];
	uint32_t count; /* in the chains, with a process */
	struct list_node dead;
	struct list_node ending; /* UCs that have closed their link and not ended yet */
	uint64_t oom_kills; /* procfs_oom_kills, when it was last asked */
};

void uc_table_init(struct tender *t);
/* That have a number and a process. */
uint32_t uc_count(const struct tender *t);
/* One that is in no list: an embryo, until it gets a number. */
struct uc *uc_new(void);
/* A deploying, running or demoted UC, or NULL. */
struct uc *uc_find(struct tender *t, uint32_t id);
/* Gives a former embryo, or a demoted UC, its number. */
void uc_insert(struct tender *t, struct uc *uc, uint32_t id);
/* Takes its number away and ends its process, unreported. */
void uc_forsake(struct tender *t, struct uc *uc);

/* What it has said of its end, or the tender in its place: the answer to a start that has failed. */
void uc_note_panic(struct uc *uc, const char *text, size_t bytes);

/* Sends SIGKILL; the first reason given is the one reported. */
void uc_kill(struct uc *uc, enum control_exit_reason reason);
struct tracee;
/*
 * Its process could not be stopped: tracee_stop returned error. If that has ended it, or it has to end, so it
 * does.
 */
void uc_note_stop_failed(struct uc *uc, const struct tracee *tracee, int error);
struct rusage;
/* The process was seen to end, with the results of wait4(2). uc_reap has to follow. */
void uc_note_end(struct uc *uc, int wait_status, const struct rusage *usage);
/* The process has closed its link, so it is ending: reports that once it is seen. */
void uc_reap(struct tender *t, struct uc *uc);
/* Those that took longer. Milliseconds until they are looked at again, or -1. */
int uc_ending_timeout_ms(const struct tender *t);
void uc_reap_late(struct tender *t);
/* Frees what has ended; call when no event of the last batch is left. */
void uc_free_dead(struct tender *t);

#endif
