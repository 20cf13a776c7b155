/*
 * The link: messages between a UC's library OS and the host.
 *
 * Transport: one SOCK_SEQPACKET socket per UC (descriptor UC_LINK_FD). One packet is
 * one frame: a struct link_frame and at most LINK_PAYLOAD_MAX bytes after it, little
 * endian. A frame is sent or received by one system call, whole or not at all, so that a
 * UC can be captured between any two instructions with no half frame.
 *
 * A byte stream longer than one frame is sent as several frames of the same type; all
 * but the last carry LINK_MORE.
 *
 * The host treats each frame from a UC as hostile input.
 *
 * Both ends speak LINK_VERSION. The library OS states its own in the header of its image, and the tender
 * takes no image of another one. The tender states its own in the first frame, and an embryo refuses a frame
 * of another one. docs/guides/raise-a-version.md says when to raise it.
 */
#ifndef SEUSS_ABI_LINK_H
#define SEUSS_ABI_LINK_H

#include <stdint.h>

#define LINK_VERSION 1u
#define LINK_PAYLOAD_MAX 65536u

struct link_frame {
	uint16_t type;  /* enum link_type */
	uint16_t flags; /* LINK_MORE and flags of the type */
	uint32_t len;   /* payload bytes that follow */
	uint64_t tag;   /* pairs a reply with its request; LINK_VERSION in the first frame; else 0 */
};

#define LINK_MORE 0x8000u

enum link_type {
	/* ---- host to an embryo (first frame ever; its tag is LINK_VERSION, whatever the version) ---- */
	LINK_BOOT = 1,   /* with descriptors: images. Start the library OS afresh. */
	LINK_DEPLOY = 2, /* with descriptors: images, plans, layers. Become that snapshot. */

	/* ---- host to UC ---- */
	LINK_DRIVER_IN = 10, /* bytes for the reader of /dev/seuss */
	LINK_STDIN = 11,     /* bytes for fd 0; an empty payload is end of file */
	LINK_MOUNT = 12,     /* with one descriptor: mount this EROFS image; struct link_mount */
	LINK_SIGNAL = 13,    /* payload: uint32_t signal number, sent to the guest process */
	LINK_FS_REPLY = 14,  /* struct link_fs_reply, data; may carry one descriptor */

	/* ---- UC to host ---- */
	LINK_DEPLOYED = 30,   /* the UC runs: struct link_deployed. Nothing comes before it. */
	LINK_DRIVER_OUT = 31, /* bytes that the driver wrote to /dev/seuss */
	LINK_STDOUT = 32,     /* bytes that the guest wrote to fd 1 */
	LINK_STDERR = 33,     /* bytes that the guest wrote to fd 2 */
	LINK_EXIT = 34,       /* struct link_exit: the guest program ended */
	LINK_PANIC = 35,      /* text: the library OS cannot go on */
	LINK_TRACE = 36,      /* text: one line per call, or the table of unknown calls; an empty line when a
	                         whole message to the driver (LINK_DRIVER_IN) has been taken */
	LINK_FS_CALL = 37,    /* struct link_fs_call, path: a file of the host root */
};

/* Who and what a UC is; the same part begins a boot and a deploy. */
struct link_identity {
	uint8_t entropy[64];    /* fresh for each UC; replaces the library OS's random pool */
	uint64_t deploy_id;     /* distinct for each UC of this node */
	uint32_t pid;           /* process id that the guest sees; differs between clones */
	uint32_t image_count;   /* images among the descriptors, in window order */
	uint64_t vdso_clock_gettime; /* address of the host vDSO's function, 0 if there is none */
	uint64_t memory_limit;  /* bytes the guest may hold */
	uint32_t trace;         /* 1: LINK_TRACE a line for each guest syscall */
	uint32_t reserved;
};

#define LINK_ROOT_IMAGE 0u /* root is image window 0 */
#define LINK_ROOT_HOST 1u  /* root is served by LINK_FS_CALL */

/* Payload of LINK_BOOT. Strings follow: argc + envc + 1 (cwd), each ended by a NUL. */
struct link_boot {
	struct link_identity identity;
	uint32_t root; /* LINK_ROOT_… */
	uint32_t argc;
	uint32_t envc;
	uint32_t stdin_link; /* 1: fd 0 is fed by LINK_STDIN, 0: fd 0 is at end of file */
	uint32_t clocks_behind_s; /* as in struct control_boot */
	uint32_t reserved;
};

#define LINK_PLANS_MAX 8

/*
 * Payload of LINK_DEPLOY. Descriptors: images, then plans (abi/plan.h), then layers. The plans are carried
 * out one after the other; the last one has the registers.
 */
struct link_deploy {
	struct link_identity identity;
	uint32_t layer_count;
	uint32_t plan_count;
	uint64_t plan_bytes[LINK_PLANS_MAX]; /* sizes of the plan files */
};

/* Payload of LINK_MOUNT; the mount point follows, ended by a NUL. */
struct link_mount {
	uint64_t image_bytes;
};

/* Payload of LINK_DEPLOYED. A deploy that does not confirm its reseed is killed. */
struct link_deployed {
	uint64_t deploy_id; /* as received: the entropy was taken */
};

/* Payload of LINK_EXIT: as wait(2) tells it apart. */
struct link_exit {
	uint32_t signal; /* signal that killed the guest, or 0 */
	uint32_t status; /* exit status 0..255 when signal is 0 */
};

/* Calls on the host root (seuss run). Paths are absolute within that root. */
enum link_fs_op {
	LINK_FS_STAT = 1,     /* → link_fs_stat; follows no symlink in the last component */
	LINK_FS_OPEN = 2,     /* → link_fs_stat and a read-only descriptor of a regular file */
	LINK_FS_READLINK = 3, /* → target bytes */
	LINK_FS_READDIR = 4,  /* arg = entries to skip → link_fs_dirent records, none at the end */
};

struct link_fs_call {
	uint32_t op;
	uint32_t reserved;
	uint64_t arg;
};

struct link_fs_reply {
	int32_t error; /* 0 or a positive errno */
	uint32_t reserved;
};

struct link_fs_stat {
	uint64_t ino, size, blocks;
	uint64_t mtime_s;
	uint32_t mtime_ns, mode, nlink, uid, gid, rdev;
};

/* Name follows, name_len bytes, then padding to 8 bytes. */
struct link_fs_dirent {
	uint64_t ino;
	uint32_t type; /* DT_… */
	uint32_t name_len;
};

#endif
