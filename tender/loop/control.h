/* The control socket: frames from and to the node (abi/control.h). */
#ifndef TENDER_CONTROL_H
#define TENDER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tender;
struct control_frame;
struct event_source;

/* Carries out one frame from the node. */
typedef void control_handler(struct tender *t, const struct control_frame *frame, const char *payload);

void control_open(struct tender *t, int fd, control_handler *handler);
/* As if the frame had come now. */
void control_handle(struct tender *t, const struct control_frame *frame, const char *payload);

/* Queues a frame. */
void control_send(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, uint32_t seq,
		  const void *payload, size_t bytes);
void control_ok(struct tender *t, uint32_t uc, uint32_t seq, const void *payload, size_t bytes);
/* error is positive; the text says what failed on what. */
void control_error(struct tender *t, uint32_t uc, uint32_t seq, int error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * For payloads that are received in place: room for a frame with up to bytes of payload,
 * of which control_commit keeps `used`. Nothing else may be queued in between.
 */
void *control_reserve(struct tender *t, size_t bytes);
void control_commit(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, size_t used);
/*
 * Likewise a CONTROL_LINK with bytes of a stream, which may become part of the frame before. Unless they are
 * urgent they wait for others a little.
 */
void control_commit_stream(struct tender *t, uint16_t flags, uint32_t uc, size_t used, bool urgent);

/* Writes out what is queued and can wait no longer. */
void control_flush(struct tender *t);
/* Until control_flush has to be called again, -1 for ever. */
int control_timeout_ms(const struct tender *t);
/* The node is slow to read: UCs are not listened to for now. */
bool control_congested(const struct tender *t);
/* It has not read what it got: who talks much waits for that. */
bool control_lags(const struct tender *t);
/* Descriptor and POLL… bits for a wait without epoll. */
struct event_source *control_source(struct tender *t, short *poll_events);

#endif
