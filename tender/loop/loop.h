/* The wait of a tender for its descriptors. */
#ifndef TENDER_LOOP_H
#define TENDER_LOOP_H

#include <stdint.h>

struct tender;
struct epoll_event;

struct loop {
	int epoll;
	struct epoll_event *reported; /* what epoll found and is still to be handled */
	int reported_count;
};

/* Something in the epoll set. ready gets EPOLL… bits. */
struct event_source {
	int fd;
	void (*ready)(struct tender *t, struct event_source *source, uint32_t events);
};

void loop_init(struct tender *t);
/* Adds source to the epoll set; events are EPOLL… bits. 0 or -errno. */
int loop_add(struct tender *t, struct event_source *source, uint32_t events);
void loop_change(struct tender *t, struct event_source *source, uint32_t events);
/* The source may be freed then, also while others that came with it are still to be handled. */
void loop_remove(struct tender *t, struct event_source *source);
/* Waits for events, timeout_ns at most (negative: for ever), and has them handled; how many there were. */
int loop_wait(struct tender *t, int64_t timeout_ns);

#endif
