/*
 * The zygote: a small process that holds the library OS, locked down for good. Every
 * embryo is a clone of it and a child of the tender. A template is a clone of the zygote
 * that has mapped a snapshot; its embryos need no mapping any more.
 */
#ifndef TENDER_ZYGOTE_H
#define TENDER_ZYGOTE_H

#include <stdbool.h>
#include <sys/types.h>

#include "abi/plan.h"
#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"

struct zygote {
	int sock;
	pid_t pid;
};

/* More do not fit into one message to the zygote. */
#define ZYGOTE_TOUCHES_MAX 2048

/* Forks the zygote and waits until it is locked down. Call while the caller's own memory is small. */
void zygote_start(struct zygote *z, const struct libos_image *libos, const struct privileges *privileges,
		  unsigned user);

/* Waits for the first reply of a template: 0 or -errno. */
int zygote_await(const struct zygote *z);

/* What an embryo of a template does about the working set. */
enum embryo_fetch {
	FETCH_NOTHING, /* the only choice for one of the zygote itself */
	FETCH_ALL,     /* ahead */
	FETCH_EXACTLY, /* page by page, without what the kernel maps around a page that is read */
};

/* Makes an embryo with link_fd as its UC_LINK_FD; its process id or -errno. */
pid_t zygote_clone(const struct zygote *z, int link_fd, enum embryo_fetch fetch);

/* What a template maps, in the order of a deploy (abi/link.h). */
struct template_sources {
	const int *fds; /* images, plans, layers */
	int image_count, plan_count, layer_count;
};

/* Blocks of files in huge pages are mapped as they are, and never split. */
#define WORKING_SET_HUGE_BYTES (2ul << 20)

struct working_set {
	const struct plan_touch *touches;
	uint32_t count;
	bool exact; /* it holds no page that is not needed */
};

/*
 * Makes a template. It fetches what is written, of an exact set also what is read, so that its embryos have
 * that as far as the kernel copies page tables; they fetch what enum embryo_fetch says. 0 or -errno. It
 * serves after its first reply (zygote_await), and ends when its socket is closed.
 */
int zygote_make_template(const struct zygote *z, const struct template_sources *from,
			 const struct working_set *set, struct zygote *made);

#endif
