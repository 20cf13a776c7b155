/*
 * The zygote: a small process that holds the library OS, locked down for good. Every
 * embryo is a clone of it and a child of the tender.
 */
#ifndef TENDER_ZYGOTE_H
#define TENDER_ZYGOTE_H

#include <sys/types.h>

#include "libos_image.h"
#include "privileges.h"

struct zygote {
	int sock;
	pid_t pid;
};

/* Forks the zygote and waits until it is locked down. Call while the caller's own memory is small. */
void zygote_start(struct zygote *z, const struct libos_image *libos, const struct privileges *privileges, unsigned user);

/* Makes an embryo with link_fd as its UC_LINK_FD; its process id or -errno. */
pid_t zygote_clone(const struct zygote *z, int link_fd);

#endif
