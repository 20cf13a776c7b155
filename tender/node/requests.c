#include "node/requests.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/link.h"
#include "base/base.h"
#include "capture/capture.h"
#include "capture/compact.h"
#include "capture/inspect.h"
#include "capture/snapshot_diff.h"
#include "disk/load.h"
#include "disk/store.h"
#include "idle/demote.h"
#include "idle/promote.h"
#include "idle/reset.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/snapshot.h"
#include "peers/peer_join.h"
#include "peers/peers.h"
#include "process/procfs.h"
#include "sandbox/privileges.h"
#include "start/learning.h"
#include "start/start.h"
#include "start/template.h"
#include "tender.h"
#include "uc/idle_limit.h"
#include "uc/limits.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

typedef void request_fn(struct tender *t, const struct control_frame *frame, const char *payload);

static void refuse(struct tender *t, const struct control_frame *frame, int error, const char *what)
{
	control_error(t, frame->uc, frame->seq, error, "%s: %s", what, strerror(error));
}

static void hello(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct control_hello reply = {
		.version = CONTROL_VERSION,
		.pid = procfs_host_pid(t, getpid()),
		.cpu = (uint32_t)t->cpu,
		.xstate_bytes = t->xstate_bytes,
		.libos_id = t->libos.id,
		.uc_user = privileges_user(&t->privileges, t->uc_user),
		.memory_group = t->in_memory_group,
	};
	uint32_t version = 0;

	if (frame->len == sizeof version)
		memcpy(&version, payload, sizeof version);
	if (version == CONTROL_VERSION)
		control_ok(t, 0, frame->seq, &reply, sizeof reply);
	else
		control_error(t, 0, frame->seq, EPROTONOSUPPORT,
			      "the tender speaks version %u of the control protocol, not %u", CONTROL_VERSION,
			      version);
}

/* The text after a uint32_t, as a string; NULL if it holds a NUL or is too long. */
static const char *text_after_number(const struct control_frame *frame, const char *payload, uint32_t *number,
				     char *buf, size_t size)
{
	size_t length = frame->len - sizeof *number;

	if (frame->len <= sizeof *number || length >= size)
		return NULL;
	memcpy(number, payload, sizeof *number);
	memcpy(buf, payload + sizeof *number, length);
	buf[length] = '\0';
	return strlen(buf) == length ? buf : NULL;
}

static void image(struct tender *t, const struct control_frame *frame, const char *payload)
{
	char buf[4096];
	uint32_t number;
	const char *path = text_after_number(frame, payload, &number, buf, sizeof buf);
	int error = path ? image_open(t, number, path, frame->flags & CONTROL_IMAGE_HUGE) : -EINVAL;

	if (error)
		control_error(t, 0, frame->seq, -error, "image %s: %s", path ? path : "(malformed)",
			      strerror(-error));
	else
		control_ok(t, 0, frame->seq, NULL, 0);
}

static void image_end(struct tender *t, const struct control_frame *frame, const char *payload)
{
	uint32_t number;
	int error = -EINVAL;

	if (frame->len == sizeof number) {
		memcpy(&number, payload, sizeof number);
		error = image_drop(t, number);
	}
	if (error)
		refuse(t, frame, -error, "drop of an image");
	else
		control_ok(t, 0, frame->seq, NULL, 0);
}

static void kill_uc(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);

	(void)payload;
	if (!uc) {
		control_ok(t, frame->uc, frame->seq, NULL, 0);
		return;
	}
	if (uc->state == UC_DEMOTED) {
		demoted_drop(t, uc);
		control_ok(t, frame->uc, frame->seq, NULL, 0);
		return;
	}
	learning_before_kill(t, uc);
	uc->kill.seqs = xrealloc(uc->kill.seqs, (size_t)(uc->kill.count + 1) * sizeof *uc->kill.seqs);
	uc->kill.seqs[uc->kill.count++] = frame->seq;
	if (frame->flags & CONTROL_KILL_MEMORY)
		uc_kill(uc, CONTROL_EXIT_MEMORY);
	else if (!learning_is_at(t, uc))
		uc_kill(uc, CONTROL_EXIT_KILLED);
}

static void drop(struct tender *t, const struct control_frame *frame, const char *payload)
{
	uint64_t number;
	int error = -EINVAL;

	if (frame->len == sizeof number) {
		memcpy(&number, payload, sizeof number);
		template_drop(t, snapshot_find(t, number));
		error = snapshot_drop(t, number);
	}
	if (error)
		refuse(t, frame, -error, "drop of a snapshot");
	else
		control_ok(t, 0, frame->seq, NULL, 0);
}

static void stat_uc(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	struct control_stat reply;
	int error = 0;

	(void)payload;
	if (!uc)
		error = -ESRCH;
	else if (uc->state == UC_DEMOTED)
		demoted_stat(uc, &reply);
	else
		error = procfs_stat(t, uc->pid, &reply);
	if (error)
		refuse(t, frame, -error, "stat of a UC");
	else
		control_ok(t, frame->uc, frame->seq, &reply, sizeof reply);
}

static void mount_image(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct {
		struct link_mount head;
		char path[4096];
	} message;
	struct link_frame out = { .type = LINK_MOUNT };
	struct uc *uc = uc_find(t, frame->uc);
	struct image *image;
	uint32_t number;

	if (!text_after_number(frame, payload, &number, message.path, sizeof message.path)) {
		refuse(t, frame, EINVAL, "mount");
		return;
	}
	image = image_find(t, number);
	if (!uc || uc->state == UC_DEMOTED || !image || uc->image_count == UC_IMAGE_MAX) {
		refuse(t, frame,
		       !uc                       ? ESRCH
		       : uc->state == UC_DEMOTED ? EBUSY
		       : !image                  ? ENOENT
						 : ENOSPC,
		       "mount");
		return;
	}
	uc->images[uc->image_count++] = image_get(image);
	message.head.image_bytes = image->bytes;
	out.len = (uint32_t)(sizeof message.head + strlen(message.path) + 1);
	link_send(t, uc, &out, &message, &image->fd, 1);
	limits_watch(t, uc);
	control_ok(t, frame->uc, frame->seq, NULL, 0);
}

static void send_to_uc(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);

	/* It may have ended, or its promotion failed, while this was on its way. */
	if (!uc || uc->state == UC_DEMOTED)
		return;
	switch (frame->flags) {
	case LINK_DRIVER_IN:
		uc->asked_ns = now_ns();
		uc->muted = false;
		idle_limit_note_message(uc);
		/* fall through */
	case LINK_STDIN:
	case LINK_SIGNAL:
		limits_watch(t, uc);
		link_send_stream(t, uc, frame->flags, payload, frame->len);
		break;
	default:
		fatal(0, "CONTROL_SEND of link type %u", frame->flags);
	}
}

static void idle(struct tender *t, const struct control_frame *frame, const char *payload)
{
	for (uint32_t at = 0; at + sizeof(uint32_t) <= frame->len; at += sizeof(uint32_t)) {
		struct uc *uc;
		uint32_t id;

		memcpy(&id, payload + at, sizeof id);
		uc = uc_find(t, id);
		if (uc && uc->state != UC_DEMOTED)
			idle_limit_begin(uc);
	}
}

static void join(struct tender *t, const struct control_frame *frame, const char *payload)
{
	char buf[4096];
	uint32_t index;
	const char *path = text_after_number(frame, payload, &index, buf, sizeof buf);
	int error = path ? peer_join(t, index, path, frame->seq) : -EINVAL;

	if (error)
		control_error(t, 0, frame->seq, -error, "tender at %s: %s", path ? path : "(malformed)",
			      strerror(-error));
}

static void mute(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);

	(void)payload;
	if (uc)
		uc->muted = true;
}

static request_fn *find(uint16_t type)
{
	switch (type) {
	case CONTROL_HELLO:
		return hello;
	case CONTROL_IMAGE:
		return image;
	case CONTROL_IMAGE_DROP:
		return image_end;
	case CONTROL_BOOT:
		return start_boot;
	case CONTROL_CAPTURE:
		return capture_request;
	case CONTROL_DEPLOY:
		return start_deploy;
	case CONTROL_KILL:
		return kill_uc;
	case CONTROL_DROP:
		return drop;
	case CONTROL_STAT:
		return stat_uc;
	case CONTROL_MOUNT:
		return mount_image;
	case CONTROL_DEMOTE:
		return demote_request;
	case CONTROL_PROMOTE:
		return promote_request;
	case CONTROL_COMPACT:
		return compact_request;
	case CONTROL_STORE:
		return store_request;
	case CONTROL_LOAD:
		return load_request;
	case CONTROL_RESET:
		return reset_request;
	case CONTROL_MAPS:
		return inspect_maps_request;
	case CONTROL_INSPECT:
		return inspect_request;
	case CONTROL_DIFF:
		return snapshot_diff_request;
	case CONTROL_JOIN:
		return join;
	case CONTROL_AWAIT:
		return peer_await_request;
	case CONTROL_SHARE:
		return peers_share_request;
	case CONTROL_SEND:
		return send_to_uc;
	case CONTROL_IDLE:
		return idle;
	case CONTROL_MUTE:
		return mute;
	default:
		return NULL;
	}
}

/*
 * The UC whose operation has to be over first, or NULL. A message waits only behind requests that do: what is
 * sent behind a capture finds it captured.
 */
static struct uc *to_wait_for(struct tender *t, const struct control_frame *frame)
{
	struct uc *uc;

	switch (frame->type) {
	case CONTROL_CAPTURE:
	case CONTROL_DEMOTE:
	case CONTROL_RESET:
	case CONTROL_MOUNT:
		uc = uc_find(t, frame->uc);
		return uc && uc->subject.operation ? uc : NULL;
	case CONTROL_SEND:
		uc = uc_find(t, frame->uc);
		return uc && operation_has_deferred(&uc->subject) ? uc : NULL;
	default:
		return NULL;
	}
}

void request_handle(struct tender *t, const struct control_frame *frame, const char *payload)
{
	request_fn *carry_out = find(frame->type);
	struct uc *uc = to_wait_for(t, frame);

	if (uc)
		operation_defer(&uc->subject, frame, payload);
	else if (carry_out)
		carry_out(t, frame, payload);
	else
		control_error(t, frame->uc, frame->seq, ENOSYS, "no request has type %u", frame->type);
}
