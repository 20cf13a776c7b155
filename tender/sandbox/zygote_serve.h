/* The zygote's side: what it and its templates do once they are locked down. */
#ifndef TENDER_ZYGOTE_SERVE_H
#define TENDER_ZYGOTE_SERVE_H

#include <stdint.h>
#include <sys/types.h>

enum zygote_request_type {
	ZYGOTE_EMBRYO,   /* one descriptor: the link */
	ZYGOTE_TOUCHED,  /* the same; the embryo fetches the working set first */
	ZYGOTE_EXACT,    /* the same; of what lies around the working set it is to map no page that it does
	                    not read */
	ZYGOTE_TEMPLATE, /* descriptors: command socket, images, plans, layers; struct plan_touch follow */
};

struct zygote_request {
	uint32_t type;
	int32_t image_count, plan_count, layer_count;
	uint32_t touch_count;
	uint32_t exact; /* the touches hold no page that is not needed; also aligns what follows to 8 bytes */
};

/* The first reply says that the process is ready (or why not), later ones hold a process id or -errno. */
struct zygote_reply {
	int32_t result;
};

/* sock is COMMAND_FD of zygote_setup.h. */
void zygote_serve(int sock, uint64_t embryo_entry, pid_t tender) __attribute__((noreturn));

#endif
