#include "start/start.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "base/base.h"
#include "loop/control.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/map_difference.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "start/embryo_pool.h"
#include "start/template.h"
#include "tender.h"
#include "uc/hostfs.h"
#include "uc/limits.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

/* Process ids that guests see: distinct between clones, in Linux's range. */
#define GUEST_PID_FIRST 100u
#define GUEST_PID_COUNT 4000000u

static void make_identity(struct tender *t, struct uc *uc, struct link_identity *identity,
			  uint64_t memory_limit, uint32_t trace)
{
	uint64_t serial = t->next_deploy++ * (uint64_t)t->count + (uint64_t)t->index;

	uc->start.deploy_id = serial + 1;
	uc->traced = trace;
	uc->told_panic = uc->told_exit = false;
	*identity = (struct link_identity){
		.deploy_id = uc->start.deploy_id,
		.pid = GUEST_PID_FIRST + (uint32_t)(serial % GUEST_PID_COUNT),
		.image_count = (uint32_t)uc->image_count,
		.vdso_clock_gettime = t->vdso_clock_gettime,
		.memory_limit = memory_limit,
		.trace = trace,
	};
	if (getrandom(identity->entropy, sizeof identity->entropy, 0) != sizeof identity->entropy)
		fatal(errno, "getrandom");
}

static bool refuse(struct tender *t, const struct control_frame *frame, int error)
{
	if (error)
		control_error(t, frame->uc, frame->seq, -error, "start of UC %u: %s", frame->uc,
			      strerror(-error));
	return error;
}

/* Whether the node may start a UC under that number now. */
static int check_number(struct tender *t, uint32_t id)
{
	if (!id)
		return -EINVAL;
	if (uc_find(t, id))
		return -EEXIST;
	return uc_count(t) >= t->uc_max ? -EAGAIN : 0;
}

/* The embryo becomes the UC that the node asked for, with its limits set; false when the error was sent. */
static bool adopt(struct tender *t, struct uc *uc, const struct control_frame *frame, uint64_t memory_limit)
{
	int error;

	uc->state = UC_RUNNING;
	uc_insert(t, uc, frame->uc);
	uc->start.at_ns = now_ns();
	error = limits_apply(t, uc, memory_limit);
	if (error) {
		control_error(t, frame->uc, frame->seq, -error, "memory limit of UC %u: %s", frame->uc,
			      strerror(-error));
		uc_kill(uc, CONTROL_EXIT_KILLED);
		return false;
	}
	limits_watch(t, uc);
	return true;
}

struct boot_parts {
	struct control_boot head;
	const char *strings;
	size_t string_bytes;
	const char *host_root;
};

/* argc + envc + 1 strings, then exactly host_root_len bytes. */
static bool split_boot(const struct control_frame *frame, const char *payload, struct boot_parts *parts)
{
	const char *p = payload + sizeof parts->head, *end = payload + frame->len;
	uint64_t count;

	if (frame->len < sizeof parts->head)
		return false;
	memcpy(&parts->head, payload, sizeof parts->head);
	if (parts->head.image_count > CONTROL_IMAGES_MAX ||
	    parts->head.host_root_len > frame->len - sizeof parts->head)
		return false;
	end -= parts->head.host_root_len;
	parts->strings = p;
	for (count = (uint64_t)parts->head.argc + parts->head.envc + 1; count; count--) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (!nul)
			return false;
		p = nul + 1;
	}
	parts->string_bytes = (size_t)(p - parts->strings);
	parts->host_root = end;
	return p == end;
}

/* 0 or a positive errno. */
static int attach_files(struct tender *t, struct uc *uc, const struct boot_parts *parts)
{
	int error = 0;

	for (uint32_t i = 0; i < parts->head.image_count; i++) {
		struct image *image = image_find(t, parts->head.images[i]);

		if (!image)
			return ENOENT;
		uc->images[uc->image_count++] = image_get(image);
	}
	if (parts->head.root == LINK_ROOT_HOST)
		uc->hostfs = hostfs_new(parts->host_root, parts->head.host_root_len, &error);
	else if (!uc->image_count)
		error = EINVAL;
	return error;
}

static void send_boot(struct tender *t, struct uc *uc, const struct boot_parts *parts)
{
	struct {
		struct link_boot head;
		char strings[LINK_PAYLOAD_MAX - sizeof(struct link_boot)];
	} boot;
	struct link_frame frame = { .type = LINK_BOOT, .tag = LINK_VERSION };
	int fds[UC_IMAGE_MAX];

	make_identity(t, uc, &boot.head.identity, parts->head.memory_limit, parts->head.trace);
	boot.head.root = parts->head.root;
	boot.head.argc = parts->head.argc;
	boot.head.envc = parts->head.envc;
	boot.head.stdin_link = parts->head.stdin_link;
	boot.head.clocks_behind_s = parts->head.clocks_behind_s;
	boot.head.reserved = 0;
	memcpy(boot.strings, parts->strings, parts->string_bytes);
	for (int i = 0; i < uc->image_count; i++)
		fds[i] = uc->images[i]->fd;
	frame.len = (uint32_t)(sizeof boot.head + parts->string_bytes);
	link_send(t, uc, &frame, &boot, fds, uc->image_count);
}

/* The reply to the request goes out when LINK_DEPLOYED comes. */
static void await_confirmation(struct uc *uc, uint32_t seq)
{
	uc->state = UC_STARTING;
	uc->start.seq = seq;
}

void start_boot(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct boot_parts parts;
	struct uc *uc;
	int error;

	if (!split_boot(frame, payload, &parts)) {
		control_error(t, frame->uc, frame->seq, EINVAL, "boot: the message is malformed");
		return;
	}
	if (parts.string_bytes > LINK_PAYLOAD_MAX - sizeof(struct link_boot)) {
		control_error(t, frame->uc, frame->seq, E2BIG,
			      "boot: arguments and environment take %zu bytes, %zu fit", parts.string_bytes,
			      LINK_PAYLOAD_MAX - sizeof(struct link_boot));
		return;
	}
	error = check_number(t, frame->uc);
	if (!error)
		error = pool_take(t, &uc);
	if (refuse(t, frame, error) || !adopt(t, uc, frame, parts.head.memory_limit))
		return;
	error = attach_files(t, uc, &parts);
	if (error) {
		control_error(t, frame->uc, frame->seq, error, "boot: root or images: %s", strerror(error));
		uc_kill(uc, CONTROL_EXIT_KILLED);
		return;
	}
	await_confirmation(uc, frame->seq);
	send_boot(t, uc, &parts);
}

void start_add_plan(struct start *start, int plan_fd, uint64_t bytes)
{
	struct link_deploy *deploy = &start->message;

	start->plans[deploy->plan_count] = plan_fd;
	deploy->plan_bytes[deploy->plan_count++] = bytes;
}

int start_add_words(struct tender *t, struct start *start, struct snapshot *compact)
{
	int fd = packed_file(t, &compact->packed, &compact->packed_file);

	if (fd >= 0)
		start_add_plan(start, fd, compact->packed.bytes);
	return fd < 0 ? fd : 0;
}

/* A process that has the maps of an ancestor needs only what s maps otherwise. */
static int take_of_ancestor(struct tender *t, struct snapshot *s, struct start *start)
{
	struct snapshot *ancestor = s->parent ? snapshot_find(t, s->parent) : NULL;
	int error;

	if (!ancestor)
		return -ENOENT;
	ancestor = snapshot_root(ancestor);
	error = snapshot_find_difference(s, ancestor);
	if (!error)
		error = template_take(t, ancestor, &start->uc, NULL);
	if (error)
		return error;
	start_add_plan(start, s->pages->difference_fd, s->pages->difference_bytes);
	return 0;
}

/* s is not compact. */
static int take_of_pages(struct tender *t, struct snapshot *s, struct start *start)
{
	int error;

	start->pages = s->pages;
	start->maps_layers = true;
	if (!take_of_ancestor(t, s, start))
		return 0;
	error = pool_take(t, &start->uc);
	if (!error)
		start_add_plan(start, s->pages->plan_fd, s->pages->plan_bytes);
	return error;
}

/* From s up, the nearest that has a template serves; else a process that has nothing yet maps all. */
int start_take(struct tender *t, struct snapshot *s, struct start *start)
{
	struct snapshot *compact[LINK_PLANS_MAX], *from = s;
	struct plan_file registers;
	int count = 0, error;

	*start = (struct start){ .snapshot = s };
	while ((error = template_take(t, from, &start->uc, &registers)) && snapshot_is_compact(from)) {
		if (count == LINK_PLANS_MAX - 2)
			return -ELOOP;
		compact[count++] = from;
		from = from->compact_parent;
	}
	start->compact = count;
	if (!error) {
		start->pages = snapshot_root(from)->pages;
		/* Its words are in the template already. */
		for (struct snapshot *in = from; snapshot_is_compact(in); in = in->compact_parent)
			start->compact++;
		if (!count)
			start_add_plan(start, registers.fd, registers.bytes);
	} else {
		error = take_of_pages(t, from, start);
	}
	while (!error && count--)
		error = start_add_words(t, start, compact[count]);
	if (error && start->uc)
		uc_kill(start->uc, CONTROL_EXIT_KILLED); /* as any embryo, it is freed when it has ended */
	return error;
}

/* In the order of abi/link.h; their number. */
static int collect_fds(const struct start *start, int fds[DEPLOY_FDS_MAX])
{
	const struct snapshot *s = start->snapshot;
	int count = 0;

	for (int i = 0; i < s->image_count; i++)
		fds[count++] = s->images[i]->fd;
	for (uint32_t i = 0; i < start->message.plan_count; i++)
		fds[count++] = start->plans[i];
	for (uint32_t i = 0; i < start->message.layer_count; i++)
		fds[count++] = start->pages->layers[i]->fd;
	return count;
}

void start_tell(struct tender *t, struct start *start, uint32_t seq, uint64_t memory_limit, uint32_t trace)
{
	struct link_frame message = {
		.type = LINK_DEPLOY, .len = sizeof start->message, .tag = LINK_VERSION
	};
	int fds[DEPLOY_FDS_MAX], fd_count;

	make_identity(t, start->uc, &start->message.identity, memory_limit, trace);
	await_confirmation(start->uc, seq);
	start->message.layer_count = start->maps_layers ? (uint32_t)start->pages->layer_count : 0;
	fd_count = collect_fds(start, fds);
	link_send(t, start->uc, &message, &start->message, fds, fd_count);
}

static void note_start(struct snapshot *s)
{
	for (; snapshot_is_compact(s); s = s->compact_parent)
		s->starts++;
	s->starts++;
}

bool start_send(struct tender *t, struct start *start, const struct control_frame *frame,
		uint64_t memory_limit, uint32_t trace)
{
	struct snapshot *s = start->snapshot;
	struct uc *uc = start->uc;

	if (!adopt(t, uc, frame, memory_limit))
		return false;
	uc->origin = snapshot_get(s);
	uc->pages = pages_get(start->pages);
	uc->compact = start->compact;
	note_start(s);
	for (int i = 0; i < s->image_count; i++)
		uc->images[uc->image_count++] = image_get(s->images[i]);
	start_tell(t, start, frame->seq, memory_limit, trace);
	return true;
}

void start_deploy(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct control_deploy request;
	struct start start;
	struct snapshot *s;
	int error;

	if (frame->len != sizeof request) {
		control_error(t, frame->uc, frame->seq, EINVAL, "deploy: the message is malformed");
		return;
	}
	memcpy(&request, payload, sizeof request);
	s = snapshot_find(t, request.snapshot);
	if (!s) {
		control_error(t, frame->uc, frame->seq, ENOENT, "deploy: no snapshot %lu", request.snapshot);
		return;
	}
	error = check_number(t, frame->uc);
	if (!error)
		error = start_take(t, s, &start);
	if (refuse(t, frame, error))
		return;
	/* Tracing touches memory that no other UC of the snapshot does: nothing is learned from it. */
	start.uc->learn.done = request.trace;
	start_send(t, &start, frame, request.memory_limit, request.trace);
}
