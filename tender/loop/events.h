/* The event loop of one tender. */
#ifndef TENDER_EVENTS_H
#define TENDER_EVENTS_H

#include "context.h"

/* Adds source to the epoll set; events are EPOLL… bits. 0 or -errno. */
int events_add(struct tender *t, struct event_source *source, uint32_t events);
void events_change(struct tender *t, struct event_source *source, uint32_t events);
void events_remove(struct tender *t, struct event_source *source);

/* Serves until the node closes the control socket; ends the process. */
void events_run(struct tender *t) __attribute__((noreturn));

#endif
