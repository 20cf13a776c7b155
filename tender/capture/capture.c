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
#include "base/optimisations.h"
#include "base/sealed.h"
#include "capture/capture_later.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/pristine.h"
#include "memory/snapshot.h"
#include "memory/spare_layer.h"
#include "peers/peers.h"
#include "plan/frame.h"
#include "plan/layout.h"
#include "plan/page_runs.h"
#include "plan/plan.h"
#include "plan/vma_list.h"
#include "process/maps.h"
#include "process/page_copy.h"
#include "process/page_store.h"
#include "process/pagemap.h"
#include "process/process_read.h"
#include "process/tracee.h"
#include "process/unchanged.h"
#include "tender.h"
#include "uc/link_hub.h"
#include "uc/rest.h"
#include "uc/uc.h"

/*
 * Fewer mappings make each deploy cheaper, pages that are stored twice make it dearer. A
 * snapshot without parent shares its pages with all descendants, so it may fill larger gaps.
 */
#define FILL_PAGES_ROOT 64
#define FILL_PAGES_CHILD 1
/*
 * Large memory of which single pages were touched would need two mappings for each of them. From so many on it has
 * holes of the layer instead: they count as pages of the snapshot, which together are no more than its UC may have.
 */
#define MAPS_MANY 2048
#define HOLE_PAGES 512

/* Of more pages than that, those that are read ahead are not worth their memory. */
#define STORED_OF_MAX (8 * PAGE_STORE_MAX)

/* A capture in the middle of work is right, but each clone has to do that work. */
#define SETTLE_LIMIT_NS 25000000

#define SOURCES_MAX (UC_IMAGE_MAX + LAYERS_MAX)

struct capture {
	struct uc *uc;
	struct control_capture request;
	uint32_t seq;
	enum tracee_patience patience;
	struct page_store *store; /* or NULL */
	struct tracee tracee;
	struct vma_list vmas;
	struct page_runs own;
	struct layout_source sources[SOURCES_MAX];
	size_t source_count;
	struct layout layout;
	struct layer_file layer;
	bool small; /* its pages are stored as they are: soon it is kept as words */
	uint64_t begin_ns, copy_ns, stop_ns, clock_ns;
	const char *failed; /* what failed, for the node */
};

static void list_sources(struct capture *c)
{
	const struct pages *mapped = c->uc->pages;

	for (int i = 0; i < c->uc->image_count; i++)
		c->sources[c->source_count++] = (struct layout_source){ c->uc->images[i]->file, (uint16_t)i };
	for (int i = 0; mapped && i < mapped->layer_count; i++)
		c->sources[c->source_count++] =
			(struct layout_source){ mapped->layers[i]->file, (uint16_t)(UC_IMAGE_MAX + i) };
}

static int drop_unchanged(struct capture *c)
{
	const struct pages *mapped = c->uc->pages;
	struct backing files[SOURCES_MAX];
	size_t count = 0;

	for (int i = 0; i < c->uc->image_count; i++)
		files[count++] = (struct backing){ .file = c->uc->images[i]->file, .fd = c->uc->images[i]->fd };
	for (int i = 0; mapped && i < mapped->layer_count; i++) {
		struct layer *l = mapped->layers[i];

		files[count++] = (struct backing){ l->file, l->fd, layer_view(l), l->bytes };
	}
	return unchanged_drop(c->uc->pid, &c->vmas, files, count, &c->own, c->store);
}

static int lay_out(struct capture *c, struct layout_input *in)
{
	uint64_t limit = c->uc->memory_limit ? c->uc->memory_limit : UINT64_MAX;
	int error = layout_build(in, &c->layout);

	if (error ? error != -E2BIG : c->layout.map_count <= MAPS_MANY)
		return error;
	layout_free(&c->layout);
	in->hole_pages = HOLE_PAGES;
	error = layout_build(in, &c->layout);
	if (!error && c->layout.layer_bytes <= limit)
		return 0;
	layout_free(&c->layout);
	in->hole_pages = 0;
	return layout_build(in, &c->layout);
}

static int read_memory_map(struct tender *t, struct capture *c)
{
	const struct pages *mapped = c->uc->pages;
	struct layout_input in = {
		.sources = c->sources,
		.libos = t->libos_file,
		.own_source = (uint16_t)(UC_IMAGE_MAX + (mapped ? mapped->layer_count : 0)),
		.fill_pages = mapped ? FILL_PAGES_CHILD : FILL_PAGES_ROOT,
		.fill_ends = !mapped,
	};
	int error;

	c->failed = "memory map";
	error = maps_read(c->uc->pid, &c->vmas);
	if (error)
		return error;
	c->failed = "scan for written pages (Linux 6.7 or newer is needed)";
	error = pagemap_own_runs(c->uc->pid, &c->vmas, &c->own);
	if (error)
		return error;
	list_sources(c);
	c->failed = "reading of its pages";
	c->small = mapped && page_runs_pages(&c->own) <= PAGE_STORE_MAX;
	if (page_runs_pages(&c->own) <= STORED_OF_MAX) {
		c->store = operation_buffer(sizeof *c->store);
		c->store->count = 0;
	}
	error = c->small || t->without & OPTIMISATION_UNCHANGED ? 0 : drop_unchanged(c);
	if (error)
		return error;
	/* A lineage too long for one message of descriptors starts anew with one layer. */
	if (mapped && mapped->layer_count == LAYERS_MAX) {
		layout_absorb_layers(&c->vmas, c->sources, c->source_count, &c->own);
		in.own_source = UC_IMAGE_MAX;
	}
	in.source_count = c->source_count;
	in.vmas = c->vmas.items;
	in.vma_count = c->vmas.count;
	in.own = c->own.items;
	in.own_count = c->own.count;
	error = operation_pause_if_due();
	if (error)
		return error;
	c->failed = "memory map: it holds a file or shared memory that no snapshot can";
	error = lay_out(c, &in);
	if (error || !mapped || !t->capture_max || c->layout.layer_bytes <= t->capture_max)
		return error;
	c->failed = "its pages are more than a snapshot may store";
	return -E2BIG;
}

/* Without a detour: the file's pages are mapped already. */
static int copy_to_view(struct capture *c)
{
	const struct layout *l = &c->layout;
	struct iovec *pieces = xcalloc(l->copy_count, sizeof *pieces);
	int error;

	for (size_t i = 0; i < l->copy_count; i++)
		pieces[i] = (struct iovec){ (void *)l->copies[i].start, l->copies[i].end - l->copies[i].start };
	error = process_read(c->uc->pid, pieces, (unsigned)l->copy_count, c->layer.view, l->layer_bytes);
	free(pieces);
	return error;
}

static int open_layer(struct tender *t, struct capture *c)
{
	/* What has holes must be written to a file without pages, or they would be none. */
	if (c->layout.layer_bytes == c->layout.own_pages * UC_PAGE_SIZE)
		return spare_layer_take(t, c->layout.layer_bytes, &c->layer);
	c->layer.fd = sealed_create("seuss-layer");
	return c->layer.fd < 0 ? c->layer.fd : 0;
}

static int copy_pages(struct tender *t, struct capture *c)
{
	const struct layout *l = &c->layout;
	uint64_t begin = now_ns();
	int error;

	c->failed = "copy of pages";
	error = open_layer(t, c);
	if (error)
		return error;
	if (c->layer.view && c->small)
		error = copy_to_view(c);
	else
		error = page_copy(c->uc->pid, l->copies, l->copy_count, c->store, c->layer.fd);
	spare_layer_return_view(t, &c->layer);
	if (!error && ftruncate(c->layer.fd, (off_t)l->layer_bytes) < 0)
		error = -errno;
	c->copy_ns = now_ns() - begin;
	return error;
}

static int stop(struct tender *t, struct capture *c)
{
	c->begin_ns = now_ns();
	return tracee_stop(&c->tracee, c->uc->pid, &t->libos.header, c->patience);
}

/* It may have just answered. That it waits for a message again is seen sooner in its registers than in /proc. */
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
		error = read_memory_map(t, c);
	if (!error)
		error = copy_pages(t, c);
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
	uint16_t own_source = UC_IMAGE_MAX, renumbered[SOURCES_MAX + 1];
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
		control_error(t, c->uc->id, c->seq, -error, "capture of UC %u: %s (at %#lx): %s", c->uc->id, c->failed,
			      c->layout.conflict, strerror(-error));
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
	case EOPNOTSUPP: return "it has opened files of the host";
	case EBUSY: return uc->state == UC_DEMOTED ? "it is demoted" : "it has not confirmed its start";
	case EEXIST: return "there is a snapshot of that number";
	default: return strerror(error);
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
		control_error(t, frame->uc, frame->seq, error, "capture of UC %u: %s", frame->uc, refusal(uc, error));
		return;
	}
	c = xcalloc(1, sizeof *c);
	c->uc = uc;
	c->request = request;
	c->seq = frame->seq;
	/* One that is at rest stands at a good place; one at work is captured because somebody has asked for that. */
	c->patience = request.flags & CONTROL_CAPTURE_LIVE ? TRACEE_LONG : TRACEE_BRIEFLY;
	c->layer.fd = -1;
	operation_start(t, &uc->subject, carry_out, c);
}

void capture_maps_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct snapshot *s = NULL;
	struct pristine memory = { 0 };
	uint64_t number;
	int error = -ENOENT;

	if (frame->len == sizeof number) {
		memcpy(&number, payload, sizeof number);
		s = snapshot_find(t, number);
	}
	if (s)
		error = pristine_open(t, s, &memory);
	if (error)
		control_error(t, 0, frame->seq, -error, "maps of a snapshot: %s", strerror(-error));
	else
		control_ok(t, 0, frame->seq, memory.maps.items, memory.maps.count * sizeof *memory.maps.items);
	pristine_close(&memory);
}
