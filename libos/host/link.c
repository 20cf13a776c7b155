/* The link: frames to and from the host. */
#include <asm/errno.h>
#include <linux/uio.h>

#include "host.h"
#include "include/syscall.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "link.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "thread/sched.h"

#define POLLIN_EVENTS 0x41u /* EPOLLIN | EPOLLRDNORM */

struct chunk {
	struct list_node node;
	u64 used, len;
	u8 data[];
};

struct link_identity uc_identity;
struct link_stream link_driver_in = { .readable = WAITQ_INIT(link_driver_in.readable),
				      .chunks = { &link_driver_in.chunks, &link_driver_in.chunks } };
struct link_stream link_stdin = { .readable = WAITQ_INIT(link_stdin.readable),
				  .chunks = { &link_stdin.chunks, &link_stdin.chunks } };

static struct {
	struct link_frame frame;
	u8 payload[LINK_PAYLOAD_MAX];
} incoming;

/* The call that link_call waits for. */
static struct {
	bool waiting;
	u64 tag;
	void *reply;
	u64 reply_size;
	long result;
	int fd;
} call;
static u64 last_tag;

void link_send(u16 type, u64 tag, const void *data, u64 bytes)
{
	const u8 *p = data;

	do {
		u64 n = MIN(bytes, (u64)LINK_PAYLOAD_MAX);
		struct link_frame f = {
			.type = type, .flags = n < bytes ? LINK_MORE : 0, .len = (u32)n, .tag = tag
		};
		struct iovec iov[2] = { { &f, sizeof f }, { (void *)p, n } };
		long sent = host_link_send(iov, n ? 2 : 1);
		if (sent == -EINTR || sent == -ENOBUFS)
			continue;
		if (sent < 0)
			host_exit(255); /* the host closed the link: nobody is left to tell */
		p += n;
		bytes -= n;
	} while (bytes);
}

static void stream_append(struct link_stream *s, const u8 *data, u64 bytes)
{
	struct chunk *c = kmalloc(sizeof *c + bytes);

	if (!c)
		panic("no memory for %lu bytes from the host", bytes);
	c->used = 0;
	c->len = bytes;
	memcpy(c->data, data, bytes);
	list_add_tail(&c->node, &s->chunks);
	s->bytes += bytes;
}

u64 link_stream_take(struct link_stream *s, void *dst, u64 bytes)
{
	u64 done = 0;

	while (done < bytes && !list_empty(&s->chunks)) {
		struct chunk *c = list_entry(s->chunks.next, struct chunk, node);
		u64 n = MIN(bytes - done, c->len - c->used);
		memcpy((u8 *)dst + done, c->data + c->used, n);
		done += n;
		c->used += n;
		if (c->used == c->len) {
			list_del(&c->node);
			kfree(c);
		}
	}
	s->bytes -= done;
	return done;
}

static void take_reply(const u8 *payload, u64 bytes, int fd)
{
	call.result = bytes > call.reply_size ? -EIO : (long)bytes;
	memcpy(call.reply, payload, MIN(bytes, call.reply_size));
	call.fd = fd;
	call.waiting = false;
}

static void take_mount(const u8 *payload, u64 bytes, int fd)
{
	const struct link_mount *m = (const void *)payload;

	if (bytes <= sizeof *m || payload[bytes - 1] != 0 || fd < 0)
		panic("malformed mount message");
	fs_handle_mount(m, (const char *)(m + 1), bytes - sizeof *m - 1, fd);
}

static void dispatch(const struct link_frame *f, const u8 *payload, int fd)
{
	switch (f->type) {
	case LINK_DRIVER_IN:
		stream_append(&link_driver_in, payload, f->len);
		waitq_wake(&link_driver_in.readable, POLLIN_EVENTS);
		if (!(f->flags & LINK_MORE))
			trace("\n");
		return;
	case LINK_STDIN:
		if (f->len)
			stream_append(&link_stdin, payload, f->len);
		else
			link_stdin.eof = true;
		waitq_wake(&link_stdin.readable, POLLIN_EVENTS);
		return;
	case LINK_MOUNT:
		take_mount(payload, f->len, fd);
		return;
	case LINK_SIGNAL:
		if (f->len == sizeof(u32) && *(const u32 *)payload >= 1 && *(const u32 *)payload <= NSIG)
			signal_send_process((int)*(const u32 *)payload, NULL);
		return;
	case LINK_FS_REPLY:
		if (call.waiting && f->tag == call.tag) {
			take_reply(payload, f->len, fd);
			return;
		}
		break;
	default:
		break;
	}
	if (fd >= 0)
		host_close(fd);
}

/* Receives one frame if there is one; false when there is none. */
static bool receive_one(bool wait)
{
	int fd = -1, fd_count;
	long n = host_link_recv(&incoming, sizeof incoming, wait, &fd, 1, &fd_count);

	if (n == -EINTR)
		return wait;
	if (n == -EAGAIN)
		return false;
	if (n <= 0)
		host_exit(255);
	if ((u64)n < sizeof incoming.frame || incoming.frame.len != (u64)n - sizeof incoming.frame)
		panic("malformed frame of %ld bytes", n);
	dispatch(&incoming.frame, incoming.payload, fd_count ? fd : -1);
	return true;
}

void link_poll(s64 wait_ns)
{
	if (wait_ns > 0 && host_link_wait(wait_ns) <= 0)
		return;
	bool wait = wait_ns < 0;
	while (receive_one(wait))
		wait = false;
}

long link_call(u16 type, const void *request, u64 request_bytes, void *reply, u64 reply_size, int *fd)
{
	call.tag = ++last_tag;
	call.reply = reply;
	call.reply_size = reply_size;
	call.fd = -1;
	call.waiting = true;
	link_send(type, call.tag, request, request_bytes);
	while (call.waiting)
		receive_one(true);
	if (fd)
		*fd = call.fd;
	else if (call.fd >= 0)
		host_close(call.fd);
	return call.result;
}

void link_park(void)
{
	sched_park();
	while (!link_driver_in.bytes)
		receive_one(true);
	sched_unpark();
}

void uc_exit(u32 status, u32 signal)
{
	syscall_trace_unknown();
	struct link_exit e = { .signal = signal, .status = status };
	link_send(LINK_EXIT, 0, &e, sizeof e);
	host_exit(signal ? 128 + (int)signal : (int)status);
}

void panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	link_send(LINK_PANIC, 0, text, (u64)MIN(n, (int)sizeof text - 1));
	host_exit(254);
}

void trace(const char *fmt, ...)
{
	if (!uc_identity.trace)
		return;
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	link_send(LINK_TRACE, 0, text, (u64)MIN(n, (int)sizeof text - 1));
}
