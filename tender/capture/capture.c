#include "capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "base/descriptors.h"
#include "base/sealed.h"
#include "capture/capture_later.h"
#include "capture/capture_memory.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "peers/peers.h"
#include "plan/frame.h"
#include "plan/layout.h"
#include "plan/page_runs.h"
#include "plan/plan.h"
#include "plan/vma_list.h"
#include "process/tracee.h"
#include "tender.h"
#include "uc/link_hub.h"
#include "uc/rest.h"
#include "uc/uc.h"

/* A capture in the middle of work is right, but each clone has to do that work. */
#define SETTLE_LIMIT_NS 25000000

static int stop(struct tender *t, struct capture *c)
{
	c->begin_ns = now_ns();
	return tracee_stop(&c->tracee, c->uc->pid, &t->libos.header, c->patience);
}

/*
 * It may have just answered. That it waits for a message again is seen sooner in its registers than in /proc.
 */
static int stop_at_rest(struct tender *t, struct capture *c)
{
	uint64_t end = now_ns() + SETTLE_LIMIT_NS;
	int error;

	rest_let_run(c->uc->pid, SETTLE_LIMIT_NS);
	error = stop(t, c);
	if (error || rest_awaits_message(t, &c->tracee.regs) || c->begin_ns >= end)
		return error;
	tracee_detach(&c->tracee);
	rest_await(c->uc->pid, end - c->begin_ns);
	return stop(t, c);
}

/* The UC stands still from here to its detach or end. */
static int take(struct tender *t, struct capture *c)
{
	uint32_t flags = c->request.flags;
	int error;

	c->failed = "stop of the UC";
	error = flags & CONTROL_CAPTURE_LIVE ? stop(t, c) : stop_at_rest(t, c);
	if (error) {
		c->layout.conflict = c->tracee.regs.rip;
		if (error == -ESRCH)
			c->failed = "it has ended, or is about to";
		if (error == -EAGAIN)
			c->failed = "it comes to no instruction at which it can be captured";
		if (error == -ETIMEDOUT)
			c->failed = "it does not stop";
		uc_note_stop_failed(c->uc, &c->tracee, error);
		return error;
	}
	c->clock_ns = now_ns();
	if (c->tracee.xstate_bytes < t->xstate_bytes)
		error = -EIO;
	if (!error && flags & CONTROL_CAPTURE_LIVE) {
		c->failed = "messages are on their way";
		error = link_cut(t, c->uc);
	}
	if (!error)
		error = capture_lay_out(t, c);
	if (!error)
		error = capture_copy_pages(t, c);
	if (flags & CONTROL_CAPTURE_KEEP || error)
		tracee_detach(&c->tracee);
	else
		uc_kill(c->uc, CONTROL_EXIT_KILLED);
	c->stop_ns = now_ns() - c->begin_ns;
	return error;
}

/* Gives pages the layers that the maps use, numbered anew. */
static int collect_layers(struct tender *t, struct capture *c, struct pages *pages)
{
	const struct pages *mapped = c->uc->pages;
	struct layer *layer;
	uint16_t own_source = UC_IMAGE_MAX, renumbered[CAPTURE_SOURCES_MAX + 1];
	int fd, error;

	memset(renumbered, 0xff, sizeof renumbered);
	if (mapped && mapped->layer_count < LAYERS_MAX)
		own_source = (uint16_t)(UC_IMAGE_MAX + mapped->layer_count);
	for (size_t i = 0; i < c->layout.map_count; i++) {
		struct plan_map *m = &c->layout.maps[i];

		if (m->source == PLAN_ANONYMOUS || m->source < UC_IMAGE_MAX)
			continue;
		if (renumbered[m->source] == 0xffff) {
			renumbered[m->source] = (uint16_t)(UC_IMAGE_MAX + pages->layer_count);
			if (m->source != own_source) {
				layer = layer_get(mapped->layers[m->source - UC_IMAGE_MAX]);
			} else {
				fd = sealed_finish(c->layer.fd);
				c->layer.fd = -1;
				error = fd < 0 ? fd : layer_adopt(t, fd, &layer);
				if (error)
					return error;
			}
			pages_add_layer(pages, layer);
		}
		m->source = renumbered[m->source];
	}
	return 0;
}

static int build(struct tender *t, struct capture *c, struct snapshot *s)
{
	struct frame_source frame = {
		.regs = &c->tracee.regs,
		.xstate = c->tracee.xstate,
		.xstate_bytes = t->xstate_bytes,
		.xstate_mask = t->xstate_mask,
		.altstack_base = t->libos.header.altstack_base,
		.altstack_bytes = t->libos.header.altstack_bytes,
	};
	int error;

	c->failed = "layer";
	s->pages = pages_new(-1, 0);
	error = collect_layers(t, c, s->pages);
	if (error)
		return error;
	for (int i = 0; i < c->uc->image_count; i++)
		s->images[s->image_count++] = image_get(c->uc->images[i]);
	c->failed = "plan";
	s->pages->plan_fd = plan_write(&c->layout, &frame, c->clock_ns, &s->pages->plan_bytes);
	if (s->pages->plan_fd < 0)
		return s->pages->plan_fd;
	return snapshot_publish(t, s);
}

static void capture(struct tender *t, struct capture *c)
{
	struct snapshot *origin = c->uc->origin;
	struct snapshot *s = snapshot_new(t, c->request.snapshot, origin ? origin->number : 0);
	struct control_captured reply;
	int error = take(t, c);

	if (!error)
		error = build(t, c, s);
	if (error) {
		control_error(t, c->uc->id, c->seq, -error, "capture of UC %u: %s (at %#lx): %s", c->uc->id,
			      c->failed, c->layout.conflict, strerror(-error));
		snapshot_put(s);
		return;
	}
	reply = (struct control_captured){
		.parent = s->parent,
		.own_pages = c->layout.layer_bytes / UC_PAGE_SIZE,
		.shared_pages = c->layout.shared_pages,
		.maps = (uint32_t)c->layout.map_count,
		.runs = (uint32_t)c->layout.copy_count,
		.stop_ns = c->stop_ns,
		.copy_ns = c->copy_ns,
		.rip = c->tracee.regs.rip,
	};
	peers_hand_over(t, s, c->uc->id, c->seq, &reply, sizeof reply);
}

static void carry_out(struct tender *t, void *job)
{
	struct capture *c = job;

	capture(t, c);
	vma_list_free(&c->vmas);
	page_runs_free(&c->own);
	layout_free(&c->layout);
	close_if_open(c->layer.fd);
	free(c);
}

static const char *refusal(const struct uc *uc, int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "it has opened files of the host";
	case EBUSY:
		return uc->state == UC_DEMOTED ? "it is demoted" : "it has not confirmed its start";
	case EEXIST:
		return "there is a snapshot of that number";
	default:
		return strerror(error);
	}
}

void capture_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	struct control_capture request;
	struct capture *c;
	int error = 0;

	if (frame->len == sizeof request)
		memcpy(&request, payload, sizeof request);
	else
		error = EINVAL;
	if (!error && request.flags & CONTROL_CAPTURE_AT_ANSWER) {
		capture_later_request(t, frame, &request);
		return;
	}
	if (!error && !uc)
		error = ESRCH;
	if (!error && (uc->state != UC_RUNNING || uc->has_host_files))
		error = uc->has_host_files ? EOPNOTSUPP : EBUSY;
	if (!error && (!request.snapshot || snapshot_find(t, request.snapshot)))
		error = EEXIST;
	if (!error)
		error = -descriptors_check();
	if (error) {
		control_error(t, frame->uc, frame->seq, error, "capture of UC %u: %s", frame->uc,
			      refusal(uc, error));
		return;
	}
	c = xcalloc(1, sizeof *c);
	c->uc = uc;
	c->request = request;
	c->seq = frame->seq;
	/*
	 * One that is at rest stands at a good place; one at work is captured because somebody has asked for
	 * that.
	 */
	c->patience = request.flags & CONTROL_CAPTURE_LIVE ? TRACEE_LONG : TRACEE_BRIEFLY;
	c->layer.fd = -1;
	operation_start(t, &uc->subject, carry_out, c);
}
