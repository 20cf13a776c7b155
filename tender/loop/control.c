#include "loop/control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "abi/control.h"
#include "base/base.h"
#include "loop/loop.h"
#include "tender.h"

/* Of one read, unless a longer frame is on its way. */
#define READ_CHUNK (256u << 10)
/* Replies that the node has not taken: what UCs say waits in their links then. */
#define CONGESTED_BYTES (4u << 20)
/* From here on UCs that had their turn wait until the node has caught up. */
#define LAGGING_BYTES (64u << 10)
/* A buffer that a large payload has grown is given back once it is empty. */
#define KEEP_BYTES (1u << 20)
/* What a UC writes waits so long for more, unless there is as much of it. */
#define WAIT_NS 1000000ull
#define WAIT_BYTES (64u << 10)
/* More is not moved to become part of the frame before. */
#define MOVE_BYTES 4096u
#define STREAM_BYTES (64u << 10)

struct buffer {
	char *data;
	size_t begin, end, size;
};

struct control {
	struct event_source source;
	control_handler *handler;
	struct buffer in, out;
	bool waits_to_write; /* EPOLLOUT is in the epoll set */
	bool urgent;         /* there is something in out that does not wait */
	uint64_t since_ns;   /* when the first in out came that waits */
	size_t last_bytes;   /* of the frame at the end of out, all of it */
};

/* Makes room for bytes at the end. */
static void buffer_reserve(struct buffer *b, size_t bytes)
{
	size_t used = b->end - b->begin;

	if (b->size - b->end >= bytes)
		return;
	if (b->begin) {
		memmove(b->data, b->data + b->begin, used);
		b->begin = 0;
		b->end = used;
	}
	if (b->size - b->end >= bytes)
		return;
	b->size = used + bytes + (used + bytes) / 2;
	b->data = xrealloc(b->data, b->size);
}

static void buffer_consume(struct buffer *b, size_t bytes)
{
	b->begin += bytes;
	if (b->begin < b->end)
		return;
	b->begin = b->end = 0;
	if (b->size > KEEP_BYTES) {
		free(b->data);
		*b = (struct buffer){ 0 };
	}
}

void *control_reserve(struct tender *t, size_t bytes)
{
	struct buffer *out = &t->control->out;

	buffer_reserve(out, sizeof(struct control_frame) + bytes);
	return out->data + out->end + sizeof(struct control_frame);
}

static void put(struct control *c, const struct control_frame *frame)
{
	memcpy(c->out.data + c->out.end, frame, sizeof *frame);
	c->last_bytes = sizeof *frame + frame->len;
	c->out.end += c->last_bytes;
}

static void commit(struct tender *t, const struct control_frame *frame)
{
	put(t->control, frame);
	t->control->urgent = true;
}

void control_commit(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, size_t used)
{
	commit(t, &(struct control_frame){ .len = (uint32_t)used, .type = type, .flags = flags, .uc = uc });
}

/* As a part of the frame before, if nothing of that has been written yet. */
static bool extend(struct control *c, uint16_t flags, uint32_t uc, size_t used)
{
	struct buffer *out = &c->out;
	struct control_frame last;
	char *at;

	if (used > MOVE_BYTES || c->last_bytes < sizeof last || out->end - out->begin < c->last_bytes)
		return false;
	at = out->data + out->end - c->last_bytes;
	memcpy(&last, at, sizeof last);
	if (last.type != CONTROL_LINK || last.flags != flags || last.uc != uc ||
	    last.len + used > STREAM_BYTES)
		return false;
	memmove(out->data + out->end, out->data + out->end + sizeof last, used);
	last.len += (uint32_t)used;
	memcpy(at, &last, sizeof last);
	c->last_bytes += used;
	out->end += used;
	return true;
}

void control_commit_stream(struct tender *t, uint16_t flags, uint32_t uc, size_t used, bool urgent)
{
	struct control *c = t->control;

	if (c->out.begin == c->out.end && !urgent)
		c->since_ns = now_ns();
	if (!extend(c, flags, uc, used))
		put(c, &(struct control_frame){
			       .len = (uint32_t)used, .type = CONTROL_LINK, .flags = flags, .uc = uc });
	c->urgent |= urgent;
}

void control_send(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, uint32_t seq,
		  const void *payload, size_t bytes)
{
	void *room = control_reserve(t, bytes);

	if (bytes)
		memcpy(room, payload, bytes);
	commit(t, &(struct control_frame){
			  .len = (uint32_t)bytes, .type = type, .flags = flags, .uc = uc, .seq = seq });
}

void control_ok(struct tender *t, uint32_t uc, uint32_t seq, const void *payload, size_t bytes)
{
	control_send(t, CONTROL_OK, 0, uc, seq, payload, bytes);
}

void control_error(struct tender *t, uint32_t uc, uint32_t seq, int error, const char *format, ...)
{
	struct {
		int32_t error;
		char text[508];
	} payload = { .error = error };
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(payload.text, sizeof payload.text, format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof payload.text)
		n = sizeof payload.text - 1;
	control_send(t, CONTROL_ERROR, 0, uc, seq, &payload, offsetof(typeof(payload), text) + (size_t)n);
}

static size_t queued(const struct tender *t)
{
	return t->control->out.end - t->control->out.begin;
}

bool control_congested(const struct tender *t)
{
	return queued(t) > CONGESTED_BYTES;
}

bool control_lags(const struct tender *t)
{
	return queued(t) > LAGGING_BYTES;
}

struct event_source *control_source(struct tender *t, short *poll_events)
{
	*poll_events = POLLIN | (t->control->waits_to_write ? POLLOUT : 0);
	return &t->control->source;
}

/* What it holds is output of UCs that may wait. */
static bool may_wait(const struct control *c)
{
	return !c->urgent && !c->waits_to_write && c->out.end - c->out.begin < WAIT_BYTES;
}

int control_timeout_ms(const struct tender *t)
{
	const struct control *c = t->control;

	return c->out.begin < c->out.end && may_wait(c) ? 1 : -1;
}

void control_flush(struct tender *t)
{
	struct control *c = t->control;
	bool blocked = false;

	if (c->out.begin == c->out.end && !c->waits_to_write)
		return;
	if (may_wait(c) && now_ns() - c->since_ns < WAIT_NS)
		return;
	while (c->out.begin < c->out.end && !blocked) {
		ssize_t n = write(c->source.fd, c->out.data + c->out.begin, c->out.end - c->out.begin);

		if (n > 0)
			buffer_consume(&c->out, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			blocked = true;
		else if (n < 0 && errno != EINTR)
			fatal(errno == EPIPE ? 0 : errno, "the node has closed the control socket");
	}
	c->urgent = blocked;
	if (blocked != c->waits_to_write) {
		c->waits_to_write = blocked;
		loop_change(t, &c->source, EPOLLIN | (blocked ? EPOLLOUT : 0u));
	}
}

void control_handle(struct tender *t, const struct control_frame *frame, const char *payload)
{
	t->control->handler(t, frame, payload);
}

/* Handles the complete frames of the input buffer; the bytes that the next one still lacks. */
static size_t handle_frames(struct tender *t)
{
	struct buffer *in = &t->control->in;
	struct control_frame frame;

	for (;;) {
		size_t have = in->end - in->begin;

		if (have < sizeof frame)
			return sizeof frame - have;
		memcpy(&frame, in->data + in->begin, sizeof frame);
		if (frame.len > CONTROL_PAYLOAD_MAX)
			fatal(0, "a control frame of %u bytes", frame.len);
		if (have < sizeof frame + frame.len)
			return sizeof frame + frame.len - have;
		control_handle(t, &frame, in->data + in->begin + sizeof frame);
		buffer_consume(in, sizeof frame + frame.len);
	}
}

static void control_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct control *c = container_of(source, struct control, source);
	size_t want;
	ssize_t n;

	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	want = handle_frames(t);
	buffer_reserve(&c->in, want > READ_CHUNK ? want : READ_CHUNK);
	n = read(source->fd, c->in.data + c->in.end, c->in.size - c->in.end);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* The orderly end: everything this process made dies with it. */
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		_exit(0);
	if (n < 0)
		fatal(errno, "read of the control socket");
	c->in.end += (size_t)n;
	handle_frames(t);
}

void control_open(struct tender *t, int fd, control_handler *handler)
{
	int error;

	t->control = xcalloc(1, sizeof *t->control);
	t->control->handler = handler;
	t->control->source = (struct event_source){ .fd = fd, .ready = control_ready };
	error = loop_add(t, &t->control->source, EPOLLIN);
	if (error)
		fatal(-error, "control socket");
}
