#include "demote.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "page_delta.h"
#include "pristine.h"
#include "procfs.h"
#include "rest.h"
#include "snapshot.h"
#include "tracee.h"
#include "uc.h"

#define REST_LIMIT_NS 2000000ull
/* A UC with more to look at would hold the tender up, and its plan might outgrow the embryo's scratch region. */
#define LOOK_PAGES_MAX 2048
#define CHUNK_PAGES 64
#define CHUNK_BYTES (CHUNK_PAGES * UC_PAGE_SIZE)

struct demotion {
	struct uc *uc;
	struct snapshot *base;
	struct pristine pristine;
	struct tracee tracee;
	struct vma_list vmas;
	struct page_runs own, other, look; /* its own pages, other ones that may differ, and both */
	size_t at;                         /* in vmas, of the page looked at */
	struct page_delta changes, xstate;
	uint64_t own_pages;
	uint64_t conflict;
	const char *failed; /* what stands against it, for the node */
};

/* ---- may it go? ---- */

static bool same_images(const struct uc *uc, const struct snapshot *s)
{
	if (uc->image_count != s->image_count)
		return false;
	for (int i = 0; i < uc->image_count; i++)
		if (uc->images[i] != s->images[i])
			return false;
	return true;
}

/* Messages that one side has sent and the other not taken. */
static bool link_is_quiet(const struct uc *uc)
{
	struct pollfd p = { .fd = uc->link.fd, .events = POLLIN };
	int unread = 0;

	if (uc->out_first || ioctl(uc->link.fd, SIOCOUTQ, &unread) < 0 || unread)
		return false;
	return poll(&p, 1, 0) == 0;
}

static int check(struct demotion *d)
{
	const struct uc *uc = d->uc;

	d->failed = "it does not run by itself";
	if (uc->state != UC_RUNNING || uc->waited || uc->kill_count)
		return -EBUSY;
	d->failed = "no snapshot has its images";
	if (uc->hostfs || !d->base || !same_images(uc, d->base))
		return -EOPNOTSUPP;
	rest_await(uc->pid, REST_LIMIT_NS);
	d->failed = "messages are on their way";
	return link_is_quiet(uc) ? 0 : -EBUSY;
}

/* Waits for a message, and for nothing else: there is no time limit, which would run out unseen. */
static bool awaits_message(const struct tender *t, const struct user_regs_struct *r)
{
	const struct libos_header *h = &t->libos.header;

	return r->rax == SYS_recvmsg && r->rdi == UC_LINK_FD && !(r->rdx & MSG_DONTWAIT) &&
	       r->rip >= h->hostcall_start && r->rip < h->hostcall_end;
}

/* ---- what differs ---- */

static uint64_t pages_of(const struct page_runs *runs)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < runs->count; i++)
		pages += (runs->items[i].end - runs->items[i].start) / UC_PAGE_SIZE;
	return pages;
}

static int find_pages(struct demotion *d)
{
	struct page_runs all = { 0 };
	int error;

	d->failed = "memory map";
	error = maps_read(d->uc->pid, &d->vmas);
	if (error)
		return error;
	d->failed = "its memory map is not the snapshot's";
	error = pristine_compare(&d->pristine, &d->vmas, &d->other, &d->conflict);
	if (error)
		return error;
	d->failed = "scan for written pages";
	error = pagemap_own_runs(d->uc->pid, 0, UC_GUEST_END, &all);
	pristine_clip(&all, &d->own);
	page_runs_free(&all);
	if (error)
		return error;
	d->own_pages = pages_of(&d->own);
	page_runs_join(&d->own, &d->other, &d->look);
	d->failed = "too much of its memory is its own";
	return pages_of(&d->look) > LOOK_PAGES_MAX ? -E2BIG : 0;
}

/* access of struct plan_change; pages are asked about in order. */
static uint16_t access_of(struct demotion *d, uint64_t addr)
{
	uint16_t prot;

	while (d->at + 1 < d->vmas.count && d->vmas.items[d->at].end <= addr)
		d->at++;
	prot = d->vmas.items[d->at].prot;
	return prot & PROT_WRITE ? 0 : (uint16_t)(PLAN_CHANGE_PROTECTED | prot);
}

static int compare_run(struct demotion *d, int mem, const struct page_run *run)
{
	static uint64_t base[CHUNK_BYTES / sizeof(uint64_t)], now[CHUNK_BYTES / sizeof(uint64_t)];
	size_t bytes;
	int error;

	for (uint64_t at = run->start; at < run->end; at += bytes) {
		bytes = run->end - at < CHUNK_BYTES ? run->end - at : CHUNK_BYTES;
		error = pread_all(mem, now, bytes, at);
		if (!error)
			error = pristine_read(&d->pristine, at, base, bytes);
		if (error)
			return error;
		for (size_t w = 0; w < bytes / sizeof *now; w += DELTA_PAGE_WORDS)
			page_delta_add(&d->changes, at + w * sizeof *now, access_of(d, at + w * sizeof *now), base + w,
				       now + w);
	}
	return 0;
}

static int record_memory(struct demotion *d)
{
	int mem = tracee_memory(&d->tracee), error = mem < 0 ? mem : 0;

	d->failed = "reading of its memory";
	for (size_t i = 0; !error && i < d->look.count; i++)
		error = compare_run(d, mem, &d->look.items[i]);
	close_if_open(mem);
	return error;
}

static void record_xstate(struct demotion *d)
{
	static const uint64_t zero[DELTA_PAGE_WORDS];
	const struct tracee *t = &d->tracee;

	for (uint32_t at = 0; at < t->xstate_bytes; at += UC_PAGE_SIZE) {
		uint64_t page[DELTA_PAGE_WORDS] = { 0 };
		uint32_t rest = t->xstate_bytes - at;

		memcpy(page, t->xstate + at, rest < sizeof page ? rest : sizeof page);
		page_delta_add(&d->xstate, at, 0, zero, page);
	}
}

/* ---- the change ---- */

static struct kept *keep(const struct demotion *d)
{
	struct kept *k = xcalloc(1, sizeof *k + d->changes.bytes + d->xstate.bytes);

	k->regs = d->tracee.regs;
	k->cpu_ns = d->uc->earlier_cpu_ns + procfs_cpu_ns(d->uc->pid);
	k->change_bytes = d->changes.bytes;
	k->xstate_bytes = d->xstate.bytes;
	memcpy(k->data, d->changes.data, d->changes.bytes);
	memcpy(k->data + d->changes.bytes, d->xstate.data, d->xstate.bytes);
	return k;
}

/* The number passes on to a UC without process. */
static void change(struct tender *t, struct demotion *d)
{
	struct uc *demoted = xcalloc(1, sizeof *demoted);
	uint32_t id = d->uc->id;

	demoted->state = UC_DEMOTED;
	demoted->link.fd = -1;
	list_init(&demoted->watched);
	demoted->memory_limit = d->uc->memory_limit;
	demoted->origin = snapshot_get(d->base);
	demoted->kept = keep(d);
	uc_forsake(t, d->uc);
	uc_insert(t, demoted, id);
}

static int stop(struct tender *t, struct demotion *d)
{
	const struct libos_header *h = &t->libos.header;
	int error;

	d->failed = "stop of the UC";
	error = tracee_stop(&d->tracee, d->uc->pid, h->altstack_base, h->altstack_bytes);
	if (error && d->tracee.ended)
		uc_note_end(d->uc, d->tracee.status, &d->tracee.usage);
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
	if (!awaits_message(t, &d->tracee.regs))
		return -EBUSY;
	error = find_pages(d);
	if (!error)
		error = record_memory(d);
	if (!error)
		record_xstate(d);
	return error;
}

static int demote(struct tender *t, struct demotion *d, struct control_demoted *reply)
{
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
	change(t, d);
	*reply = (struct control_demoted){
		.delta_bytes = sizeof(struct uc) + sizeof(struct kept) + d->changes.bytes + d->xstate.bytes,
		.pages = d->changes.pages,
		.own_pages = (uint32_t)d->own_pages,
		.stop_ns = now_ns() - begin,
	};
	return 0;
}

void demote_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	struct control_demote request;
	struct control_demoted reply;
	struct demotion *d;
	int error;

	if (!uc || frame->len != sizeof request) {
		error = uc ? EINVAL : ESRCH;
		control_error(t, frame->uc, frame->seq, error, "demotion of UC %u: %s", frame->uc, strerror(error));
		return;
	}
	memcpy(&request, payload, sizeof request);
	d = xcalloc(1, sizeof *d);
	d->uc = uc;
	d->base = request.snapshot ? snapshot_find(t, request.snapshot) : uc->origin;
	error = demote(t, d, &reply);
	if (error)
		control_error(t, frame->uc, frame->seq, -error, "demotion of UC %u: %s (at %#lx): %s", frame->uc, d->failed,
			      d->conflict, strerror(-error));
	else
		control_ok(t, frame->uc, frame->seq, &reply, sizeof reply);
	pristine_close(&d->pristine);
	vma_list_free(&d->vmas);
	page_runs_free(&d->own);
	page_runs_free(&d->other);
	page_runs_free(&d->look);
	page_delta_free(&d->changes);
	page_delta_free(&d->xstate);
	free(d);
}

void demoted_stat(const struct uc *uc, struct control_stat *stat)
{
	*stat = (struct control_stat){
		.private_bytes = sizeof *uc + sizeof *uc->kept + uc->kept->change_bytes + uc->kept->xstate_bytes,
		.cpu_ns = uc->kept->cpu_ns,
		.state = CONTROL_STATE_DEMOTED,
	};
}

void demoted_drop(struct tender *t, struct uc *uc)
{
	struct control_exit end = {
		.wait_status = SIGKILL,
		.reason = CONTROL_EXIT_KILLED,
		.cpu_ns = uc->kept->cpu_ns,
	};

	control_send(t, CONTROL_EXIT, 0, uc->id, 0, &end, sizeof end);
	list_del(&uc->node);
	demoted_free(uc);
}

void demoted_free(struct uc *uc)
{
	snapshot_put(uc->origin);
	free(uc->kept);
	free(uc);
}
