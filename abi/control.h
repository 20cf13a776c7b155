/*
 * The control protocol between the node (TypeScript) and a tender.
 *
 * Transport: one SOCK_STREAM Unix socket per tender, made by the node. Tenders of one node know each other
 * (CONTROL_JOIN): what one captures, all have. Each tender lives and dies by itself. Each message is a struct
 * control_frame and len bytes, little endian. The node is trusted by the tender; the node trusts the tender,
 * but not what a UC sent through it (CONTROL_LINK).
 *
 * A request has a seq other than 0 and gets exactly one CONTROL_OK or CONTROL_ERROR with the same seq.
 * CONTROL_SEND and events have seq 0 and no reply. Requests on one UC are carried out in the order sent; but
 * while it is captured, reset or demoted, CONTROL_KILL takes effect at once, what CONTROL_SEND brings waits,
 * and CONTROL_PROMOTE breaks a demotion off.
 */
#ifndef SEUSS_ABI_CONTROL_H
#define SEUSS_ABI_CONTROL_H

#include <stdint.h>

#define CONTROL_VERSION 2u
/* Of one frame. */
#define CONTROL_PAYLOAD_MAX (64u << 20)

struct control_frame {
	uint32_t len;
	uint16_t type;
	uint16_t flags;
	uint32_t uc;  /* chosen by the node, distinct over all tenders of the node, never 0; 0: no UC */
	uint32_t seq;
};

enum control_type {
	/* ---- replies ---- */
	CONTROL_OK = 1,    /* payload as the request says */
	CONTROL_ERROR = 2, /* int32_t errno, then text */

	/* ---- requests ---- */
	CONTROL_HELLO = 10, /* uint32_t CONTROL_VERSION → struct control_hello */
	CONTROL_IMAGE = 11, /* uint32_t image, then path: open an EROFS image under this number; flags:
	                       CONTROL_IMAGE_HUGE → empty */
	CONTROL_BOOT = 12, /* struct control_boot, then strings of struct link_boot → struct control_started,
	                      sent when LINK_DEPLOYED came */
	CONTROL_CAPTURE = 13, /* struct control_capture: stop the UC and capture it → struct control_captured.
	                         The snapshot is then known to every tender of the node. */
	CONTROL_DEPLOY = 14, /* struct control_deploy → struct control_started, sent when LINK_DEPLOYED
	                        came */
	CONTROL_KILL = 15, /* flags: CONTROL_KILL_MEMORY → empty, when the process is gone. Killing an unknown
	                      UC is no error. */
	CONTROL_DROP = 16, /* uint64_t snapshot: forget it in this tender → empty. UCs in it live on. */
	CONTROL_STAT = 17, /* → struct control_stat */
	CONTROL_MOUNT = 18, /* uint32_t image, mount point text: hand the image to the UC (LINK_MOUNT) →
	                       empty */
	CONTROL_MAPS = 19, /* uint64_t snapshot → struct plan_map array */
	CONTROL_IMAGE_DROP = 20, /* uint32_t image: free the number in this tender → empty. UCs and snapshots
	                            that use the image keep it. */
	CONTROL_DEMOTE = 21, /* struct control_demote: keep the UC without a process → struct control_demoted.
	                        Refused (EBUSY, EOPNOTSUPP, E2BIG) it lives on as it was. A demoted UC knows
	                        CONTROL_PROMOTE, CONTROL_STAT and CONTROL_KILL alone. */
	CONTROL_PROMOTE = 22, /* give a demoted UC a process again → struct control_started. What CONTROL_SEND
	                         brings meanwhile waits. No error for a UC that has its process. After an
	                         error the UC is demoted still, or gone, which CONTROL_EXIT tells. */

	CONTROL_COMPACT = 23, /* uint64_t snapshot: keep it as the words that differ from its parent, in every
	                         tender → struct control_compacted. Refused with E2BIG when that saves
	                         nothing. */
	CONTROL_STORE = 24, /* uint64_t snapshot, then path: write the snapshot's files there, PATH.plan and,
	                       if it stores pages, PATH.layer, both new; no parent's, no image → struct
	                       control_stored */
	CONTROL_LOAD = 25, /* struct control_load, then path: the snapshot that CONTROL_STORE wrote there,
	                      known to every tender of the node then → struct control_captured */
	CONTROL_INSPECT = 26, /* uint64_t snapshot → struct control_inspected */
	CONTROL_DIFF = 27, /* struct control_diff → struct control_diff_run array, sorted by address */
	CONTROL_RESET = 28, /* put an idle UC back to the snapshot it was deployed from, with a new identity,
	                       as a deploy does → struct control_started. Refused (EBUSY, EOPNOTSUPP) it lives
	                       on as it was; after another error it is killed. */

	CONTROL_JOIN = 29, /* uint32_t index, then path: connect with the tender of that index, which waits
	                      there; one of that index before is gone → empty, when each knows the other */
	CONTROL_AWAIT = 33, /* uint32_t number of tenders that are told to join this new one: the first
	                       request after HELLO → empty, when all have */
	CONTROL_SHARE = 34, /* struct control_share: hand a snapshot to a tender that lacks it → empty; no
	                       error if it has it, or is this one */

	/* ---- to a UC, no reply ---- */
	CONTROL_SEND = 30, /* flags: a link_type; payload: bytes, any length. Sent as link frames. */
	CONTROL_IDLE = 31, /* uint32_t UC array: they have answered, and are to be at rest until the next
	                      LINK_DRIVER_IN. One that uses processor time all the same is ended
	                      (CONTROL_EXIT_IDLE). */
	CONTROL_MUTE = 32, /* empty: what the UC writes to LINK_STDOUT and LINK_STDERR is of no use until the
	                      next LINK_DRIVER_IN */

	/* ---- events ---- */
	CONTROL_LINK = 40, /* flags: a link_type, LINK_MORE included; payload: what the UC sent; bytes of
	                      several frames may come as one */
	CONTROL_EXIT = 41, /* struct control_exit: the UC's process is gone, its id is free */
	CONTROL_CUT = 42, /* empty: what the UC sent until it was stopped by CONTROL_CAPTURE_LIVE has come,
	                     what follows it sent afterwards */
	CONTROL_MEMORY = 43, /* uint64_t bytes: private pages and page tables that the UC has now. Sent when
	                        they have changed by a megabyte or more since the last time, of which it had
	                        none at its start. */
};

/* It dies for the memory that it took: that is the reason that CONTROL_EXIT tells. */
#define CONTROL_KILL_MEMORY 1u

/* Map a copy of the image in huge pages, where the host grants them. */
#define CONTROL_IMAGE_HUGE 1u

struct control_hello {
	uint32_t version;
	uint32_t pid; /* of the tender, as the host sees it */
	uint32_t cpu; /* core it is bound to */
	uint32_t xstate_bytes; /* extended register state that a snapshot holds */
	uint64_t libos_id; /* FNV-1a of the library OS image: part of a snapshot's identity */
	uint32_t uc_user; /* user that UCs run as */
	uint32_t memory_group; /* 1: they are in a memory cgroup of the node's own; 0: the host grants none,
	                          or none was asked for */
};

/* As UC_IMAGE_MAX. */
#define CONTROL_IMAGES_MAX 8

struct control_boot {
	uint64_t memory_limit; /* bytes */
	uint32_t image_count;
	uint32_t images[CONTROL_IMAGES_MAX]; /* CONTROL_IMAGE numbers, window order */
	uint32_t root; /* LINK_ROOT_… */
	uint32_t trace;
	uint32_t stdin_link;
	uint32_t argc, envc; /* strings follow: argv, environ, cwd, each ended by a NUL */
	uint32_t host_root_len; /* with LINK_ROOT_HOST: then mounts, see below */
	/*
	 * Seconds by which the clocks of the UC are behind, at most by the host's time since its boot, until
	 * the guest writes to /dev/seuss: then they jump, as if the machine had been suspended. Timers
	 * shorter than that ring before a capture.
	 */
	uint32_t clocks_behind_s;
	/*
	 * After the strings, host_root_len bytes: NUL-ended pairs "GUESTDIR\0HOSTDIR\0", the
	 * first pair being "/\0ROOT\0". The longest GUESTDIR that leads a path serves it.
	 */
};

struct control_started {
	uint64_t process_ns; /* making the process, 0 if one stood ready */
	uint64_t deploy_ns; /* from the message to the UC's confirmation */
};

#define CONTROL_CAPTURE_KEEP 1u /* let the UC run on afterwards; else it is killed */
/*
 * The UC is at work: it is stopped at once, wherever it is. Refused with EBUSY while a message to it is on
 * its way.
 */
#define CONTROL_CAPTURE_LIVE 2u
/*
 * Not at once, but when the UC, which may be starting still, has answered the message that it has
 * (LINK_DRIVER_OUT) and come to rest. What is sent to it once its answer has been passed on finds it
 * captured. Refused with ESRCH when it ends before.
 */
#define CONTROL_CAPTURE_AT_ANSWER 4u

struct control_capture {
	uint64_t snapshot; /* number for the new snapshot, chosen by the node, never 0 */
	uint32_t flags;
	uint32_t reserved;
};

struct control_captured {
	uint64_t parent; /* snapshot the UC was deployed from, or 0 */
	uint64_t own_pages; /* pages this snapshot stores, or may come to store: holes of its layer are
	                       counted */
	uint64_t shared_pages; /* pages it takes from its ancestors' layers */
	uint32_t maps; /* mappings a deploy makes */
	uint32_t runs; /* runs of own pages */
	uint64_t stop_ns; /* how long the UC stood still */
	uint64_t copy_ns; /* of that, copying pages */
	uint64_t rip;
};

struct control_deploy {
	uint64_t snapshot;
	uint64_t memory_limit;
	uint32_t trace;
	uint32_t reserved;
};

struct control_demote {
	uint64_t snapshot; /* keep it as what differs from this one; 0: from the one it was deployed from */
};

struct control_demoted {
	uint64_t remains_bytes; /* memory that the tender holds for it now */
	uint32_t pages; /* that differ from the snapshot's */
	uint32_t own_pages; /* it had to itself */
	uint64_t stop_ns; /* from its stop to the end of its process */
};

struct control_compacted {
	uint64_t bytes; /* memory that its own part takes now */
	uint32_t pages; /* that differ from the parent's */
	uint32_t reserved;
};

struct control_stored {
	uint64_t plan_bytes;
	uint64_t layer_bytes; /* 0: there is no layer file */
};

struct control_load {
	uint64_t snapshot; /* number for it, as with CONTROL_CAPTURE */
	uint64_t parent; /* its parent's number here, or 0 */
	uint32_t image_count;
	uint32_t images[CONTROL_IMAGES_MAX]; /* CONTROL_IMAGE numbers, window order */
};

#define CONTROL_FORM_PAGES 0u
#define CONTROL_FORM_WORDS 1u

struct control_share {
	uint64_t snapshot;
	uint32_t index; /* of the tender that is to have it; what it builds on should be there first */
	uint32_t reserved;
};

struct control_inspected {
	uint64_t parent;
	uint64_t own_bytes; /* memory that goes when it is dropped: by the kernel's account of its files */
	uint64_t own_pages; /* that it stores, or that its words change */
	uint64_t shared_pages; /* that it takes from its ancestors */
	uint32_t form; /* CONTROL_FORM_… */
	uint32_t maps;
	uint32_t layers, images;
	uint64_t clock_monotonic_ns;
	uint64_t fs_base, gs_base;
	uint64_t r[16]; /* rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 … r15 */
	uint64_t rip, rflags;
	uint64_t guest_rip; /* while the library OS works for the guest: where the current thread goes on,
	                       else 0 */
	uint32_t own_source; /* number of its own layer in its maps, PLAN_ANONYMOUS when there is none or
	                        nobody knows */
	uint32_t reserved;
};

struct control_diff {
	uint64_t a, b;
};

enum control_diff_kind {
	CONTROL_DIFF_ONLY_A = 1, /* mapped in a alone */
	CONTROL_DIFF_ONLY_B = 2,
	CONTROL_DIFF_BYTES = 3, /* mapped in both, other bytes */
	CONTROL_DIFF_ACCESS = 4, /* mapped in both, same bytes, other protection */
};

struct control_diff_run {
	uint64_t start, bytes; /* whole pages */
	uint32_t kind; /* enum control_diff_kind */
	uint32_t words; /* of 8 bytes that differ, with CONTROL_DIFF_BYTES */
};

struct control_stat {
	uint64_t private_bytes; /* anonymous pages of this UC alone; of a demoted one, all that is kept */
	uint64_t shared_bytes; /* resident file and layer pages */
	uint64_t page_table_bytes;
	uint64_t cpu_ns; /* user and system time */
	uint32_t reserved;
	uint32_t state; /* letter of /proc/pid/stat, or CONTROL_STATE_DEMOTED */
	uint32_t pid; /* as the host sees it; 0 of a demoted UC */
	uint32_t reserved_too;
};

#define CONTROL_STATE_DEMOTED 'd'

struct control_exit {
	int32_t wait_status; /* as waitpid(2) */
	uint32_t reason; /* enum control_exit_reason */
	uint64_t cpu_ns;
	uint64_t max_rss_bytes; /* 0 of a demoted UC */
};

enum control_exit_reason {
	CONTROL_EXIT_SELF = 0, /* ended by itself or by a signal of its own making */
	CONTROL_EXIT_KILLED = 1, /* CONTROL_KILL, or captured without KEEP */
	CONTROL_EXIT_MEMORY = 2, /* went over its memory limit */
	CONTROL_EXIT_PROTOCOL = 3, /* sent something that is no valid frame, or did not confirm its deploy */
	CONTROL_EXIT_STUCK = 4, /* did not stop to be captured, reset or demoted: the host kernel worked for
	                           it without end */
	CONTROL_EXIT_IDLE = 5, /* used processor time without taking the message that it has, or while it was
	                          idle */
};

#endif
