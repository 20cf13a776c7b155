#include "idle/reset.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/libos.h"
#include "abi/link.h"
#include "base/base.h"
#include "base/file_id.h"
#include "idle/write_back.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "plan/map_list.h"
#include "plan/page_runs.h"
#include "plan/plan.h"
#include "plan/reset_plan.h"
#include "plan/vma_list.h"
#include "process/maps.h"
#include "process/pagemap.h"
#include "process/tracee.h"
#include "start/start.h"
#include "tender.h"
#include "uc/limits.h"
#include "uc/rest.h"
#include "uc/uc.h"

/* A UC that has just answered is at rest after so long, if it has the processor. It is waited for. */
#define REST_SOON_NS 200000ull
/*
 * It may have more to do: collect garbage, close what is left. Then it is looked at again from time to time.
 */
#define LOOK_FIRST_NS 1000000ull
#define REST_LIMIT_NS 100000000ull
/*
 * Private pages are kept and written over, since the next run most likely needs the same ones. Not so at the
 * first reset: some have been copied for the deploy, and no run writes to them. Nor when there are many, or
 * many more than at the second: a UC does not grow from reset to reset.
 */
#define KEEP_PAGES_MAX 4096u
#define KEEP_PAGES_MORE 128u

#define SELECTOR_CODE 0x33
#define SELECTOR_STACK 0x2b
#define FLAGS_CLEAR 2
#define MASK_SIGALRM (1ull << (SIGALRM - 1))

struct reset {
	struct uc *uc;
	uint64_t rest_limit_ns;
	struct tracee tracee;
	struct vma_list now;
	struct page_runs own;
	struct map_list maps; /* of the snapshot */
	struct snapshot *compact[LINK_PLANS_MAX]; /* uc->compact, the snapshot first */
	struct reset_list list;
	int plan_fd;
	uint64_t plan_bytes, conflict;
	const char *failed; /* what stands against it, for the node */
};

void resets_init(struct tender *t)
{
	list_init(&t->resets);
}

static int check(struct reset *r)
{
	const struct uc *uc = r->uc;

	r->failed = "it is about to end";
	if (uc->waited || uc->kill.count)
		return -ESRCH;
	r->failed = "its snapshot has not its images";
	if (uc->hostfs || !uc->origin || !uc->pages || !rest_has_images_of(uc, uc->origin))
		return -EOPNOTSUPP;
	r->failed = "it does not come to rest";
	return rest_await(uc->pid, r->rest_limit_ns) ? 0 : -EBUSY;
}

/* The number of its descriptors: it has 0 to 2, the link and its images, some of which it may have closed. */
static int check_descriptors(const struct uc *uc)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/fd", uc->pid);
	if (stat(path, &st) < 0)
		return -errno;
	return st.st_size > UC_IMAGE_FD + uc->image_count ? -EOPNOTSUPP : 0;
}

/* It stands still now: what it sends from here on is not its own any more. */
static int check_stopped(struct tender *t, struct reset *r)
{
	r->failed = "it does not wait for a message";
	if (!rest_awaits_message(t, &r->tracee.regs))
		return -EBUSY;
	r->failed = "messages are on their way";
	if (!rest_link_is_quiet(r->uc))
		return -EBUSY;
	r->failed = "its descriptors";
	return check_descriptors(r->uc);
}

/* ---- the plan ---- */

/* What every embryo has below UC_GUEST_END. The zygote never changes it. */
static int embryo_map(struct tender *t, const struct vma_list **list)
{
	struct vma_list found = { 0 };
	int error = t->embryo_map ? 0 : maps_read(t->zygote.pid, &found);

	if (!error && !t->embryo_map) {
		t->embryo_map = xcalloc(1, sizeof *t->embryo_map);
		*t->embryo_map = found;
	} else {
		vma_list_free(&found);
	}
	*list = t->embryo_map;
	return error;
}

static bool keeps_pages(struct uc *uc, const struct page_runs *own)
{
	uint64_t pages = page_runs_pages(own);

	if (uc->reset.count++ == 0)
		return false;
	if (uc->reset.count == 2)
		uc->reset.pages = (uint32_t)(pages < KEEP_PAGES_MAX ? pages : KEEP_PAGES_MAX);
	return pages <= KEEP_PAGES_MAX && pages <= uc->reset.pages * 2u + KEEP_PAGES_MORE;
}

static int compare(struct tender *t, struct reset *r)
{
	const struct snapshot *s = r->uc->origin;
	const struct pages *pages = r->uc->pages;
	struct file_id images[UC_IMAGE_MAX], layers[LAYERS_MAX];
	struct reset_input in = {
		.maps = r->maps.items,
		.map_count = r->maps.count,
		.images = images,
		.layers = layers,
		.image_count = s->image_count,
		.layer_count = pages->layer_count,
		.now = &r->now,
		.own = &r->own,
		.keep = keeps_pages(r->uc, &r->own),
	};
	int error = embryo_map(t, &in.embryo);

	for (int i = 0; i < s->image_count; i++)
		images[i] = s->images[i]->file;
	for (int i = 0; i < pages->layer_count; i++)
		layers[i] = pages->layers[i]->file;
	return error ? error : reset_plan(&in, &r->list, &r->conflict);
}

/*
 * What it is to have mapped: the pages that it was deployed from, and on top of them what compact snapshots
 * map.
 */
static int read_maps(const struct tender *t, struct reset *r)
{
	struct snapshot *s = r->uc->origin;
	long count = plan_read_maps(r->uc->pages->plan_fd, &r->maps.items);

	if (count < 0)
		return (int)count;
	r->maps.count = r->maps.size = (size_t)count;
	for (int i = 0; i < r->uc->compact; i++, s = s->compact_parent)
		r->compact[i] = s;
	for (int i = r->uc->compact - 1; i >= 0; i--) {
		struct plan_view plan = { 0 };
		int error = packed_view(t, &r->compact[i]->packed, &plan);

		if (error)
			return error;
		map_list_overlay(&r->maps, plan.maps, plan.head->map_count);
		plan_close(&plan);
	}
	return 0;
}

static int make_plan(struct tender *t, struct reset *r)
{
	const struct pages *pages = r->uc->pages;
	int error;

	r->failed = "plan of its snapshot";
	error = read_maps(t, r);
	if (error)
		return error;
	r->failed = "memory map";
	error = maps_read(r->uc->pid, &r->now);
	if (error)
		return error;
	r->failed = "scan for written pages";
	error = pagemap_own_runs(r->uc->pid, &r->now, &r->own);
	if (error)
		return error;
	r->failed = "its library OS, or what it has mapped";
	error = compare(t, r);
	if (error)
		return error;
	error = operation_pause_if_due();
	if (error)
		return error;
	/*
	 * Others had their turns meanwhile. From here to the change there is no pause, and soon no way back.
	 */
	r->failed = "messages are on their way";
	if (!rest_link_is_quiet(r->uc))
		return -EBUSY;
	r->failed = "plan";
	write_back(r->uc->pid, pages, &r->list);
	r->plan_fd = plan_write_other(pages->plan_fd, r->list.items, r->list.count, &r->plan_bytes);
	return r->plan_fd < 0 ? r->plan_fd : 0;
}

/* ---- the change ---- */

/* All that the library OS's entry relies on, and all of the registers that it cannot set by itself. */
static int redirect(const struct tender *t, const struct tracee *tracee)
{
	const struct libos_header *h = &t->libos.header;
	struct user_regs_struct regs = {
		.rip = h->reset_entry,
		.rsp = h->altstack_base + h->altstack_bytes,
		.cs = SELECTOR_CODE,
		.ss = SELECTOR_STACK,
		.eflags = FLAGS_CLEAR,
		.orig_rax = (unsigned long)-1, /* no system call is made again */
	};

	return tracee_redirect(tracee, &regs, MASK_SIGALRM);
}

static void send(struct tender *t, struct reset *r)
{
	struct start start = {
		.snapshot = r->uc->origin,
		.uc = r->uc,
		.pages = r->uc->pages,
		.maps_layers = true,
	};
	struct uc *uc = r->uc;

	start_add_plan(&start, r->plan_fd, r->plan_bytes);
	for (int i = uc->compact - 1; i >= 0; i--)
		if (start_add_words(t, &start, r->compact[i]))
			uc_kill(uc, CONTROL_EXIT_KILLED); /* its end is the answer */
	/* What it touches now is no working set of the function. */
	uc->learn.done = true;
	uc->made_ns = 0;
	uc->start.at_ns = uc->reset.asked_ns;
	limits_watch(t, uc);
	start_tell(t, &start, uc->reset.seq, uc->memory_limit, uc->traced);
}

/* Of the errors that let it live on as it was; any other may have come too late for that. */
static bool is_refusal(int error)
{
	return error == -EBUSY || error == -EOPNOTSUPP;
}

static int reset(struct tender *t, struct reset *r)
{
	int error = check(r);

	if (error)
		return error;
	r->failed = "stop of the UC";
	error = tracee_stop_asleep(&r->tracee, r->uc->pid);
	if (error) {
		uc_note_stop_failed(r->uc, &r->tracee, error);
		return error;
	}
	error = check_stopped(t, r);
	if (!error)
		error = make_plan(t, r);
	if (!error) {
		r->failed = "registers of the UC";
		error = redirect(t, &r->tracee);
	}
	if (!error) {
		operation_let_go();
		send(t, r);
	} else if (!is_refusal(error)) {
		uc_kill(r->uc, CONTROL_EXIT_KILLED);
	}
	tracee_detach(&r->tracee);
	return error;
}

/* ---- the request ---- */

static void end_request(struct uc *uc)
{
	list_del(&uc->reset.waiting);
	uc->reset.seq = 0;
}

static bool is_time_left(const struct uc *uc, uint64_t now)
{
	return now - uc->reset.asked_ns < REST_LIMIT_NS;
}

/* Looked at again after as long as it has been waited for. */
static void look_later(struct tender *t, struct uc *uc, uint64_t now)
{
	uint64_t waited = now - uc->reset.asked_ns;

	uc->reset.next_ns = now + (waited > LOOK_FIRST_NS ? waited : LOOK_FIRST_NS);
	list_del(&uc->reset.waiting);
	list_add_tail(&uc->reset.waiting, &t->resets);
}

static void attempt(struct tender *t, void *job)
{
	struct reset *r = job;
	struct uc *uc = r->uc;
	int error = reset(t, r);

	if (error == -EBUSY && is_time_left(uc, now_ns())) {
		look_later(t, uc, now_ns());
	} else {
		if (error)
			control_error(t, uc->id, uc->reset.seq, -error, "reset of UC %u: %s (at %#lx): %s",
				      uc->id, r->failed, r->conflict, strerror(-error));
		end_request(uc);
	}
	vma_list_free(&r->now);
	page_runs_free(&r->own);
	reset_list_free(&r->list);
	map_list_free(&r->maps);
	close_if_open(r->plan_fd);
	free(r);
}

static void begin(struct tender *t, struct uc *uc, uint64_t rest_limit_ns)
{
	struct reset *r = xcalloc(1, sizeof *r);

	r->plan_fd = -1;
	r->uc = uc;
	r->rest_limit_ns = rest_limit_ns;
	list_del(&uc->reset.waiting);
	operation_start(t, &uc->subject, attempt, r);
}

void reset_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);

	(void)payload;
	if (!uc || uc->state != UC_RUNNING || uc->reset.seq) {
		control_error(t, frame->uc, frame->seq, uc ? EBUSY : ESRCH, "reset of UC %u: %s", frame->uc,
			      uc ? "it does not run by itself" : "there is none");
		return;
	}
	uc->reset.seq = frame->seq;
	uc->reset.asked_ns = now_ns();
	begin(t, uc, REST_SOON_NS);
}

int resets_timeout_ms(const struct tender *t)
{
	return list_empty(&t->resets) ? -1 : 1;
}

void resets_tick(struct tender *t)
{
	list_for_each_safe(n, next, &t->resets) {
		struct uc *uc = list_entry(n, struct uc, reset.waiting);

		if (!uc->subject.operation && now_ns() >= uc->reset.next_ns)
			begin(t, uc, 0);
	}
}

void reset_give_up(struct tender *t, struct uc *uc)
{
	if (!uc->reset.seq)
		return;
	control_error(t, uc->id, uc->reset.seq, ESRCH, "reset of UC %u: it has ended", uc->id);
	end_request(uc);
}
