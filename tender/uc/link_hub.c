#include "uc/link_hub.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/link.h"
#include "base/base.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "tender.h"
#include "uc/hooks.h"
#include "uc/hostfs.h"
#include "uc/limits.h"
#include "uc/link_share.h"
#include "uc/uc.h"

/* Taken from one UC before the next one has its turn. */
#define FRAMES_PER_TURN 16
#define BYTES_PER_TURN LINK_PAYLOAD_MAX
/* Messages to one UC that it has not taken. */
#define QUEUE_BYTES_MAX (CONTROL_PAYLOAD_MAX * 2ul)

/* ---- to a UC ---- */

static ssize_t send_now(struct uc *uc, const void *data, size_t bytes, const void *more, size_t more_bytes,
			const int *fds, int fd_count)
{
	struct iovec iov[2] = { { (void *)data, bytes }, { (void *)more, more_bytes } };

	return send_with_fds(uc->link.fd, iov, 2, fds, fd_count, MSG_DONTWAIT);
}

void link_listen(struct tender *t, struct uc *uc)
{
	uint32_t in = list_empty(&uc->share.waiting) ? EPOLLIN : 0,
		 out = uc->out.first && !uc->subject.operation ? EPOLLOUT : 0;

	loop_change(t, &uc->link, in | out);
}

/* Only single descriptors ever wait: deploys go out first on a fresh link. */
static void enqueue(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload,
		    const int *fds, int fd_count)
{
	size_t bytes = sizeof *frame + frame->len;
	struct packet *p;

	if (uc->out.bytes + bytes > QUEUE_BYTES_MAX || fd_count > 1) {
		uc_kill(uc, CONTROL_EXIT_PROTOCOL);
		return;
	}
	p = xcalloc(1, sizeof *p + bytes);
	p->bytes = bytes;
	p->fd = fd_count ? fcntl(fds[0], F_DUPFD_CLOEXEC, 0) : -1;
	if (fd_count && p->fd < 0) {
		free(p);
		uc_kill(uc, CONTROL_EXIT_PROTOCOL);
		return;
	}
	memcpy(p->data, frame, sizeof *frame);
	memcpy(p->data + sizeof *frame, payload, frame->len);
	if (uc->out.last)
		uc->out.last->next = p;
	else
		uc->out.first = p;
	uc->out.last = p;
	if (!uc->out.bytes)
		link_listen(t, uc);
	uc->out.bytes += bytes;
}

void link_send(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload,
	       const int *fds, int fd_count)
{
	ssize_t n = -EAGAIN;

	if (uc->state == UC_GONE)
		return;
	/* One that is captured, say, has to stay as it is, and may be no more afterwards. */
	if (!uc->out.first && !uc->subject.operation)
		n = send_now(uc, frame, sizeof *frame, payload, frame->len, fds, fd_count);
	/* Any other error means that the UC is gone, which its hangup tells. */
	if (n == -EAGAIN)
		enqueue(t, uc, frame, payload, fds, fd_count);
}

void link_send_stream(struct tender *t, struct uc *uc, uint16_t type, const char *bytes, size_t count)
{
	do {
		size_t n = count < LINK_PAYLOAD_MAX ? count : LINK_PAYLOAD_MAX;
		struct link_frame frame = {
			.type = type,
			.flags = n < count ? LINK_MORE : 0,
			.len = (uint32_t)n,
		};

		link_send(t, uc, &frame, bytes, NULL, 0);
		bytes += n;
		count -= n;
	} while (count);
}

static void flush_queue(struct tender *t, struct uc *uc)
{
	while (uc->out.first) {
		struct packet *p = uc->out.first;
		ssize_t n = send_now(uc, p->data, p->bytes, NULL, 0, &p->fd, p->fd >= 0 ? 1 : 0);

		if (n == -EAGAIN)
			return;
		uc->out.first = p->next;
		uc->out.bytes -= p->bytes;
		close_if_open(p->fd);
		free(p);
	}
	uc->out.last = NULL;
	link_listen(t, uc);
}

void link_go_on(struct tender *t, struct uc *uc)
{
	if (!uc->out.first || uc->state == UC_GONE)
		return;
	link_listen(t, uc);
	flush_queue(t, uc);
}

/* ---- from a UC ---- */

static bool start_confirmed(struct tender *t, struct uc *uc, const struct link_frame *frame,
			    const void *payload)
{
	struct control_started started = { .process_ns = uc->made_ns };
	struct link_deployed deployed;

	if (frame->type != LINK_DEPLOYED || frame->len != sizeof deployed)
		return false;
	memcpy(&deployed, payload, sizeof deployed);
	if (deployed.deploy_id != uc->start.deploy_id)
		return false;
	uc->state = UC_RUNNING;
	free(uc->start.panic);
	uc->start.panic = NULL;
	started.deploy_ns = now_ns() - uc->start.at_ns;
	control_ok(t, uc->id, uc->start.seq, &started, sizeof started);
	return true;
}

static bool ends_answer(const struct link_frame *frame)
{
	return frame->type == LINK_DRIVER_OUT && !(frame->flags & LINK_MORE);
}

/* payload lies in the control socket's buffer, ready to be committed. */
static bool take_frame(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload)
{
	uint16_t flags = frame->type | (frame->flags & LINK_MORE);

	if (uc->state == UC_EMBRYO)
		return false;
	if (uc->state == UC_STARTING && frame->type != LINK_PANIC)
		return start_confirmed(t, uc, frame, payload);
	switch (frame->type) {
	case LINK_DRIVER_OUT:
		uc->asked_ns = 0;
		t->uc_hooks->answered(t, uc, ends_answer(frame));
		control_commit_stream(t, flags, uc->id, frame->len, true);
		return true;
	case LINK_STDOUT:
	case LINK_STDERR:
		if (!uc->muted)
			control_commit_stream(t, frame->type, uc->id, frame->len, false);
		return true;
	case LINK_TRACE:
		if (uc->traced)
			control_commit_stream(t, frame->type, uc->id, frame->len, false);
		return true;
	case LINK_PANIC:
		if (uc->told_panic)
			return true;
		uc->told_panic = true;
		uc_note_panic(uc, payload, frame->len);
		break;
	case LINK_EXIT:
		if (frame->len != sizeof(struct link_exit))
			return false;
		if (uc->told_exit)
			return true;
		uc->told_exit = true;
		break;
	case LINK_FS_CALL:
		return hostfs_call(t, uc, frame, payload);
	default:
		return false;
	}
	control_commit(t, CONTROL_LINK, flags, uc->id, frame->len);
	return true;
}

/* Says in the UC's place why it ends. */
static void report_violation(struct tender *t, struct uc *uc, const struct link_frame *frame, ssize_t bytes)
{
	char text[160];
	int n;

	if (bytes < (ssize_t)sizeof *frame)
		n = snprintf(text, sizeof text, "tender: refused a packet of %zd bytes", bytes);
	else
		n = snprintf(text, sizeof text,
			     "tender: refused a frame of type %u, %u bytes, in a packet of %zd bytes%s",
			     frame->type, frame->len, bytes,
			     uc->state == UC_STARTING ? ", before its LINK_DEPLOYED" : "");
	uc_note_panic(uc, text, (size_t)n);
	control_send(t, CONTROL_LINK, LINK_PANIC, uc->id, 0, text, (size_t)n);
}

/*
 * 1 a frame was taken, 2 it answered a message, after which a UC waits; 0 none is there (or the link has
 * ended), -1 the UC broke the protocol.
 */
static int receive_frame(struct tender *t, struct uc *uc)
{
	bool asked = uc->asked_ns;
	void *room = control_reserve(t, LINK_PAYLOAD_MAX);
	struct link_frame frame;
	struct iovec iov[2] = { { &frame, sizeof frame }, { room, LINK_PAYLOAD_MAX } };
	ssize_t n = recv_with_fds(uc->link.fd, iov, 2, NULL, 0, NULL, MSG_DONTWAIT);

	/* A reset tells once that the dead UC had data to read; what it sent is still there. */
	if (n == -ECONNRESET)
		return 1;
	if (n == -EAGAIN || n == 0)
		return 0;
	link_share_use(uc, (size_t)n);
	if (uc->refused)
		return 1;
	if (n >= (ssize_t)sizeof frame && frame.len == (size_t)n - sizeof frame &&
	    take_frame(t, uc, &frame, room))
		return asked && ends_answer(&frame) ? 2 : 1;
	report_violation(t, uc, &frame, n);
	uc->refused = true;
	return -1;
}

int link_cut(struct tender *t, struct uc *uc)
{
	int unread = 0, r = 1;

	if (uc->out.first || ioctl(uc->link.fd, SIOCOUTQ, &unread) < 0 || unread)
		return -EBUSY;
	while (r > 0)
		r = receive_frame(t, uc);
	if (r < 0) {
		uc_kill(uc, CONTROL_EXIT_PROTOCOL);
		return -EPROTO;
	}
	control_send(t, CONTROL_CUT, 0, uc->id, 0, NULL, 0);
	return 0;
}

/* Its turn, or all that is there of one that has ended. */
static int hear(struct tender *t, struct uc *uc, bool ended)
{
	int64_t end = uc->share.bytes - (int64_t)BYTES_PER_TURN;
	int r = 1;

	for (int i = 0; r > 0; i++) {
		bool had_turn = i == FRAMES_PER_TURN || uc->share.bytes < end || uc->share.bytes < 0;

		/* An answer is passed on before it is looked for more. */
		if (!ended && (r == 2 || (i && had_turn) || control_congested(t)))
			break;
		r = receive_frame(t, uc);
	}
	if (uc->share.bytes < 0 && !ended)
		link_share_await(t, uc);
	return r;
}

void link_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct uc *uc = container_of(source, struct uc, link);

	/* Reaped by an earlier event of the same batch. */
	if (uc->state == UC_GONE)
		return;
	if (events & EPOLLOUT && uc->subject.operation)
		link_listen(t, uc);
	else if (events & EPOLLOUT && uc->out.first)
		flush_queue(t, uc);
	if (events & (EPOLLIN | EPOLLHUP)) {
		limits_watch(t, uc);
		if (hear(t, uc, events & EPOLLHUP) < 0)
			uc_kill(uc, CONTROL_EXIT_PROTOCOL);
	}
	if (events & EPOLLHUP)
		uc_reap(t, uc);
}
