#include "idle/demote.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "idle/memory_changes.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/pristine.h"
#include "memory/snapshot.h"
#include "plan/map_list.h"
#include "plan/page_changes.h"
#include "process/tracee.h"
#include "tender.h"
#include "uc/rest.h"
#include "uc/uc.h"

/* So long a demotion waits for the UC to come to rest. */
#define REST_LIMIT_NS 10000000ull
/* Remains that are freed before the heap is trimmed: free memory at its end goes back to the host. */
#define TRIM_BYTES (16ul << 20)

struct demotion {
	struct uc *uc;
	uint32_t seq;
	struct snapshot *base;
	struct pristine pristine;
	struct tracee tracee;
	struct memory_changes changes;
	struct page_changes xstate;
	const char *failed; /* what stands against it, for the node */
};

/* ---- may it go? ---- */

static int check(struct demotion *d)
{
	const struct uc *uc = d->uc;

	d->failed = "it does not run by itself";
	if (uc->waited || uc->kill.count)
		return -EBUSY;
	d->failed = "no snapshot has its images";
	if (uc->hostfs || !d->base || !rest_has_images_of(uc, d->base))
		return -EOPNOTSUPP;
	rest_await(uc->pid, REST_LIMIT_NS);
	d->failed = "messages are on their way";
	return rest_link_is_quiet(uc) ? 0 : -EBUSY;
}

/* ---- the record ---- */

static void record_xstate(struct demotion *d)
{
	static const uint64_t zero[PAGE_WORDS];
	const struct tracee *t = &d->tracee;

	for (uint32_t at = 0; at < t->xstate_bytes; at += UC_PAGE_SIZE) {
		uint64_t page[PAGE_WORDS] = { 0 };
		uint32_t rest = t->xstate_bytes - at;

		memcpy(page, t->xstate + at, rest < sizeof page ? rest : sizeof page);
		page_changes_add(&d->xstate, at, 0, zero, page);
	}
}

/* ---- the change ---- */

static uint64_t bytes_held(const struct remains *k)
{
	return sizeof(struct uc) + sizeof *k + k->map_count * sizeof(struct plan_map) + k->change_bytes +
	       k->xstate_bytes;
}

static struct remains *keep(const struct demotion *d)
{
	const struct page_changes *changes = &d->changes.records;
	const struct map_list *maps = &d->pristine.other;
	size_t map_bytes = maps->count * sizeof *maps->items;
	struct remains *k = xcalloc(1, sizeof *k + map_bytes + changes->bytes + d->xstate.bytes);

	k->regs = d->tracee.regs;
	k->cpu_ns = d->uc->earlier_cpu_ns + process_cpu_ns(d->uc->pid);
	k->map_count = maps->count;
	k->change_bytes = changes->bytes;
	k->xstate_bytes = d->xstate.bytes;
	if (map_bytes)
		memcpy(k->data, maps->items, map_bytes);
	memcpy(k->data + map_bytes, changes->data, changes->bytes);
	memcpy(k->data + map_bytes + changes->bytes, d->xstate.data, d->xstate.bytes);
	return k;
}

/* The number passes on to a UC without process, which is returned. */
static const struct uc *change(struct tender *t, struct demotion *d)
{
	struct uc *demoted = uc_new();
	uint32_t id = d->uc->id;

	demoted->state = UC_DEMOTED;
	demoted->link.fd = -1;
	demoted->memory_limit = d->uc->memory_limit;
	demoted->traced = d->uc->traced;
	demoted->origin = snapshot_get(d->base);
	demoted->remains = keep(d);
	uc_forsake(t, d->uc);
	uc_insert(t, demoted, id);
	return demoted;
}

static int stop(struct tender *t, struct demotion *d)
{
	int error;

	d->failed = "stop of the UC";
	error = tracee_stop(&d->tracee, d->uc->pid, &t->libos.header, TRACEE_BRIEFLY);
	if (error)
		uc_note_stop_failed(d->uc, &d->tracee, error);
	return error;
}

/* Between its stop and its end or detach. */
static int record(struct tender *t, struct demotion *d)
{
	int error;

	d->failed = "its extended state";
	if (d->tracee.xstate_bytes < t->xstate_bytes)
		return -EIO;
	d->failed = "it does not wait for a message";
	if (!rest_awaits_message(t, &d->tracee.regs))
		return -EBUSY;
	error = memory_changes_find(&d->pristine, &d->tracee, &d->changes);
	d->failed = d->changes.failed;
	if (error)
		return error;
	record_xstate(d);
	/* Others had their turns meanwhile: what has come since would be lost. */
	d->failed = "messages are on their way";
	return rest_link_is_quiet(d->uc) ? 0 : -EBUSY;
}

static int demote(struct tender *t, struct demotion *d, struct control_demoted *reply)
{
	const struct uc *demoted;
	uint64_t begin;
	int error = check(d);

	if (error)
		return error;
	d->failed = "plan of the snapshot";
	error = pristine_open(t, d->base, &d->pristine);
	if (error)
		return error;
	begin = now_ns();
	error = stop(t, d);
	if (error)
		return error;
	error = record(t, d);
	if (error) {
		tracee_detach(&d->tracee);
		return error;
	}
	demoted = change(t, d);
	*reply = (struct control_demoted){
		.remains_bytes = bytes_held(demoted->remains),
		.pages = d->changes.records.pages,
		.own_pages = (uint32_t)d->changes.own_pages,
		.stop_ns = now_ns() - begin,
	};
	return 0;
}

static void free_demotion(struct demotion *d)
{
	pristine_close(&d->pristine);
	memory_changes_free(&d->changes);
	page_changes_free(&d->xstate);
	snapshot_put(d->base);
	free(d);
}

static void carry_out(struct tender *t, void *job)
{
	struct demotion *d = job;
	struct control_demoted reply;
	uint32_t id = d->uc->id;
	int error = demote(t, d, &reply);

	if (error)
		control_error(t, id, d->seq, -error, "demotion of UC %u: %s (at %#lx): %s", id, d->failed,
			      d->changes.conflict, strerror(-error));
	else
		control_ok(t, id, d->seq, &reply, sizeof reply);
	free_demotion(d);
}

void demote_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	struct control_demote request;
	struct demotion *d;

	if (!uc || uc->state != UC_RUNNING || frame->len != sizeof request) {
		int error = !uc ? ESRCH : frame->len != sizeof request ? EINVAL : EBUSY;

		control_error(t, frame->uc, frame->seq, error, "demotion of UC %u: %s", frame->uc,
			      strerror(error));
		return;
	}
	memcpy(&request, payload, sizeof request);
	d = xcalloc(1, sizeof *d);
	d->uc = uc;
	d->seq = frame->seq;
	d->base = request.snapshot ? snapshot_find(t, request.snapshot) : uc->origin;
	if (d->base)
		snapshot_get(d->base);
	operation_start(t, &uc->subject, carry_out, d);
}

void demoted_stat(const struct uc *uc, struct control_stat *stat)
{
	*stat = (struct control_stat){
		.private_bytes = bytes_held(uc->remains),
		.cpu_ns = uc->remains->cpu_ns,
		.state = CONTROL_STATE_DEMOTED,
	};
}

void demoted_drop(struct tender *t, struct uc *uc)
{
	struct control_exit end = {
		.wait_status = SIGKILL,
		.reason = CONTROL_EXIT_KILLED,
		.cpu_ns = uc->remains->cpu_ns,
	};

	control_send(t, CONTROL_EXIT, 0, uc->id, 0, &end, sizeof end);
	list_del(&uc->node);
	demoted_free(t, uc);
}

void demoted_free(struct tender *t, struct uc *uc)
{
	t->remains_freed += bytes_held(uc->remains);
	snapshot_put(uc->origin);
	free(uc->remains);
	free(uc);
	/* What others hold lies between the freed parts, so the heap does not shrink by itself. */
	if (t->remains_freed >= TRIM_BYTES) {
		malloc_trim(0);
		t->remains_freed = 0;
	}
}
