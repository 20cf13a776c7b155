/* The four calls on one host directory. Each returns 0 or a positive errno. */
#ifndef TENDER_HOSTFS_OPS_H
#define TENDER_HOSTFS_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/link.h"

/* As Linux has it, with the NUL. */
#define HOSTFS_PATH_MAX 4096

/* reply and data go out as they lie here. */
struct hostfs_answer {
	struct link_fs_reply reply;
	char data[LINK_PAYLOAD_MAX - sizeof(struct link_fs_reply)];
	size_t bytes; /* of data */
	int fd;       /* to hand over, or -1 */
};

/* path is relative to root and cannot leave it. A symlink at its end is not followed. */
int hostfs_stat(int root, const char *path, struct hostfs_answer *answer);
int hostfs_open(int root, const char *path, struct hostfs_answer *answer);
int hostfs_readlink(int root, const char *path, struct hostfs_answer *answer);
int hostfs_readdir(int root, const char *path, uint64_t skip, struct hostfs_answer *answer);

#endif
