/*
 * The zygote: a small process that holds the library OS, locked down for good. Every
 * embryo is a clone of it and a child of the tender. A template is a clone of the zygote
 * that has mapped a snapshot; its embryos need no mapping any more.
 */
#ifndef TENDER_ZYGOTE_H
#define TENDER_ZYGOTE_H

#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"
#include "sandbox/template_job.h"

struct zygote {
	int sock;
	pid_t pid;
};

/* Forks the zygote and waits until it is locked down. Call while the caller's own memory is small. */
void zygote_start(struct zygote *z, const struct libos_image *libos, const struct privileges *privileges,
		  unsigned user);

/* Waits for the first reply of a template: 0 or -errno. */
int zygote_await(const struct zygote *z);

/* Makes an embryo with link_fd as its UC_LINK_FD; its process id or -errno. */
pid_t zygote_clone(const struct zygote *z, int link_fd, enum embryo_fetch fetch);

/*
 * Makes a template. It fetches what is written, of an exact set also what is read, so that its embryos have
 * that as far as the kernel copies page tables; they fetch what enum embryo_fetch says. 0 or -errno. It
 * serves after its first reply (zygote_await), and ends when its socket is closed.
 */
int zygote_make_template(const struct zygote *z, const struct template_sources *from,
			 const struct working_set *set, struct zygote *made);

#endif
