#include "capture/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/ucontext.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "capture/compact.h"
#include "loop/control.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/pristine.h"
#include "memory/snapshot.h"
#include "plan/map_list.h"
#include "tender.h"

/* Words of the registers' end, from below: abi/libos.h. */
#define TRAPFRAME_TAIL_WORDS 5

/* Memory of a file by the kernel's account. */
static uint64_t bytes_of(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) ? (uint64_t)st.st_blocks * 512 : 0;
}

static bool has_layer(const struct pages *p, const struct layer *layer)
{
	for (int i = 0; i < p->layer_count; i++)
		if (p->layers[i] == layer)
			return true;
	return false;
}

/* Index of the layer that its capture brought, or -1: with its parent gone nobody knows which one. */
static int own_layer(struct tender *t, const struct snapshot *s)
{
	struct snapshot *parent = s->parent ? snapshot_find(t, s->parent) : NULL;

	if ((s->parent && !parent) || snapshot_is_compact(s))
		return -1;
	for (int i = 0; i < s->pages->layer_count; i++)
		if (!parent || !has_layer(snapshot_root(parent)->pages, s->pages->layers[i]))
			return i;
	return -1;
}

/* Data pages of the own layer, or those that words change, and mapped pages of others' layers. */
static void count_pages(const struct tender *t, const struct snapshot *s, int own, const struct pristine *p,
			struct control_inspected *out)
{
	const struct map_list *maps = &p->maps;

	if (own >= 0) {
		out->own_source = (uint32_t)(UC_IMAGE_MAX + own);
		out->own_pages = bytes_of(s->pages->layers[own]->fd) / UC_PAGE_SIZE;
		out->own_bytes += bytes_of(s->pages->layers[own]->fd);
	} else if (snapshot_is_compact(s)) {
		out->own_pages = compact_changed_pages(t, s);
	}
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].source >= UC_IMAGE_MAX && maps->items[i].source != PLAN_ANONYMOUS &&
		    maps->items[i].source != out->own_source)
			out->shared_pages += maps->items[i].bytes / UC_PAGE_SIZE;
}

static void take_registers(const greg_t *g, struct control_inspected *out)
{
	static const int order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15
	};
	/* abi/control.h has rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp. */
	static const int place[16] = { 0, 2, 3, 1, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (int i = 0; i < 16; i++)
		out->r[place[i]] = (uint64_t)g[order[i]];
	out->rip = (uint64_t)g[REG_RIP];
	out->rflags = (uint64_t)g[REG_EFL];
}

/* A patched system call comes from its trampoline: the guest's own code is where that was put in. */
static uint64_t site_of(const struct pristine *p, uint64_t rip)
{
	uint64_t info[3];

	if (rip < UC_TRAMPOLINE_BASE || rip >= UC_TRAMPOLINE_END ||
	    pristine_read(p, rip & ~(UC_TRAMPOLINE_BYTES - 1), info, sizeof info))
		return rip;
	return info[2];
}

/* The guest may have put anything there: then nothing is told. */
static uint64_t guest_rip(const struct tender *t, const struct pristine *p, uint64_t rip)
{
	uint64_t end, tail[TRAPFRAME_TAIL_WORDS];

	if (rip < UC_LIBOS_BASE || rip >= UC_LIBOS_END || !t->libos.header.trapframe_end)
		return 0;
	if (pristine_read(p, t->libos.header.trapframe_end, &end, sizeof end) ||
	    end < UC_LIBOS_BASE + sizeof tail || end > UC_LIBOS_END ||
	    pristine_read(p, end - sizeof tail, tail, sizeof tail))
		return 0;
	return site_of(p, tail[0]);
}

static int inspect(struct tender *t, struct snapshot *s, struct control_inspected *out)
{
	struct pristine p;
	ucontext_t *uc = NULL;
	struct plan plan;
	uint64_t bytes;
	int plan_fd = snapshot_plan(s, &bytes), error = pread_all(plan_fd, &plan, sizeof plan, 0);

	if (error)
		return error;
	error = pristine_open(t, s, &p);
	if (error)
		return error;
	*out = (struct control_inspected){
		.parent = s->parent,
		.own_bytes =
			bytes_of(plan_fd) + (snapshot_is_compact(s) ? 0 : bytes_of(s->pages->difference_fd)),
		.own_source = PLAN_ANONYMOUS,
		.form = snapshot_is_compact(s) ? CONTROL_FORM_WORDS : CONTROL_FORM_PAGES,
		.maps = (uint32_t)p.maps.count,
		.layers = (uint32_t)p.pages->layer_count,
		.images = (uint32_t)s->image_count,
		.clock_monotonic_ns = plan.clock_monotonic_ns,
		.fs_base = plan.fs_base,
		.gs_base = plan.gs_base,
	};
	count_pages(t, s, own_layer(t, s), &p, out);
	uc = xcalloc(1, sizeof *uc);
	error = plan.frame_bytes < sizeof *uc ? -EINVAL
					      : pread_all(plan_fd, uc, sizeof *uc, plan.frame_offset);
	if (!error) {
		take_registers(uc->uc_mcontext.gregs, out);
		out->guest_rip = guest_rip(t, &p, out->rip);
	}
	free(uc);
	pristine_close(&p);
	return error;
}

void inspect_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct control_inspected reply;
	struct snapshot *s = NULL;
	uint64_t number;
	int error = -EINVAL;

	if (frame->len == sizeof number) {
		memcpy(&number, payload, sizeof number);
		s = snapshot_find(t, number);
		error = s ? inspect(t, s, &reply) : -ENOENT;
	}
	if (error)
		control_error(t, 0, frame->seq, -error, "inspection of a snapshot: %s", strerror(-error));
	else
		control_ok(t, 0, frame->seq, &reply, sizeof reply);
}

void inspect_maps_request(struct tender *t, const struct control_frame *frame, const char *payload)
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
		control_ok(t, 0, frame->seq, memory.maps.items,
			   memory.maps.count * sizeof *memory.maps.items);
	pristine_close(&memory);
}
