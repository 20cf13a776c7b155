/* scm.c: control messages of sendmsg and recvmsg, descriptors on their way between sockets. */
#ifndef LIBOS_NET_SCM_H
#define LIBOS_NET_SCM_H

#include "sock.h"

/* Files in one control message at most, as Linux's SCM_MAX_FD. */
#define SCM_FILES_MAX 253

/*
 * Counted files. A socket that lies in its own queue is never found: files in flight are
 * bounded by RLIMIT_NOFILE instead (ETOOMANYREFS), as Linux bounds them per user.
 */
struct scm_files {
	struct list_node node; /* of those about to be dropped */
	u32 count;
	struct file *file[];
};

#define SCM_NONE ((struct scm){ .files = NULL, .hop_limit = -1, .traffic_class = -1 })

/* Parses bytes of control data at addr for a socket of family. 0 or -errno; *scm is then empty. */
int scm_parse(struct scm *scm, const struct sock *s, u64 addr, u64 bytes);
/* Drops the files. May be called from a file's release: nesting is flattened. */
void scm_drop(struct scm *scm);
/* Another reference to each file, for MSG_PEEK; NULL when memory is short. */
struct scm_files *scm_files_dup(const struct scm_files *files);

/* Writes control messages into guest memory. */
struct scm_writer {
	u64 addr, left;
	u64 used;
	bool truncated;
};
/* Whatever s wants to know of the message; files become descriptors. Takes scm over. */
void scm_write(struct scm_writer *w, struct sock *s, struct scm *scm, bool cloexec);

#endif
