/* The links: frames between UCs, the node and the host root (abi/link.h). */
#ifndef TENDER_LINK_HUB_H
#define TENDER_LINK_HUB_H

#include <stddef.h>
#include <stdint.h>

struct tender;
struct event_source;
struct uc;
struct link_frame;

/* Handler of a UC's link in the epoll set, and what it is to wait for. */
void link_ready(struct tender *t, struct event_source *source, uint32_t events);
void link_listen(struct tender *t, struct uc *uc);

/*
 * Sends one frame, or queues it if the UC is slow to read; a UC that lets too much pile up
 * is killed. fds are duplicated when they must wait.
 */
void link_send(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload,
	       const int *fds, int fd_count);
/* As frames of type, all but the last with LINK_MORE; an empty stream is one empty frame. */
void link_send_stream(struct tender *t, struct uc *uc, uint16_t type, const char *bytes, size_t count);
/* What waited while an operation was under way on the UC goes out. */
void link_go_on(struct tender *t, struct uc *uc);
/*
 * Passes on what a UC has sent that stands still now, and then CONTROL_CUT. 0 or -errno: -EBUSY when it has
 * not taken what was sent to it.
 */
int link_cut(struct tender *t, struct uc *uc);

#endif
