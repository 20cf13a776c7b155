#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "events.h"

#define READ_CHUNK (256u << 10)
#define CONGESTED_BYTES (4u << 20)
/* A buffer that a large payload has grown is given back once it is empty. */
#define KEEP_BYTES (1u << 20)

struct buffer {
	char *data;
	size_t begin, end, size;
};

struct control {
	struct event_source source;
	struct buffer in, out;
	bool waits_to_write; /* EPOLLOUT is in the epoll set */
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

static void commit(struct tender *t, const struct control_frame *frame)
{
	struct buffer *out = &t->control->out;

	memcpy(out->data + out->end, frame, sizeof *frame);
	out->end += sizeof *frame + frame->len;
}

void control_commit(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, size_t used)
{
	commit(t, &(struct control_frame){ .len = (uint32_t)used, .type = type, .flags = flags, .uc = uc });
}

void control_send(struct tender *t, uint16_t type, uint16_t flags, uint32_t uc, uint32_t seq, const void *payload,
		  size_t bytes)
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

bool control_congested(const struct tender *t)
{
	return t->control->out.end - t->control->out.begin > CONGESTED_BYTES;
}

struct event_source *control_source(struct tender *t, short *poll_events)
{
	*poll_events = POLLIN | (t->control->waits_to_write ? POLLOUT : 0);
	return &t->control->source;
}

void control_flush(struct tender *t)
{
	struct control *c = t->control;
	bool blocked = false;

	while (c->out.begin < c->out.end && !blocked) {
		ssize_t n = write(c->source.fd, c->out.data + c->out.begin, c->out.end - c->out.begin);

		if (n > 0)
			buffer_consume(&c->out, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			blocked = true;
		else if (n < 0 && errno != EINTR)
			fatal(errno == EPIPE ? 0 : errno, "the node has closed the control socket");
	}
	if (blocked != c->waits_to_write) {
		c->waits_to_write = blocked;
		events_change(t, &c->source, EPOLLIN | (blocked ? EPOLLOUT : 0u));
	}
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
		request_handle(t, &frame, in->data + in->begin + sizeof frame);
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

void control_open(struct tender *t, int fd)
{
	int error;

	t->control = xcalloc(1, sizeof *t->control);
	t->control->source = (struct event_source){ .fd = fd, .ready = control_ready };
	error = events_add(t, &t->control->source, EPOLLIN);
	if (error)
		fatal(-error, "control socket");
}
