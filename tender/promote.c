#include "promote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control.h"
#include "demote.h"
#include "link_hub.h"
#include "page_delta.h"
#include "pristine.h"
#include "rest.h"
#include "start.h"
#include "tracee.h"
#include "uc.h"

#define REST_LIMIT_NS 2000000ull
#define CHUNK_PAGES 64
#define CHUNK_BYTES (CHUNK_PAGES * UC_PAGE_SIZE)

/* ---- the beginning ---- */

static int begin(struct tender *t, struct uc *demoted, const struct control_frame *frame)
{
	struct start start;
	struct uc *uc;
	int error;

	if (t->uc_count >= t->uc_max)
		return -EAGAIN;
	error = start_take(t, demoted->origin, &start);
	if (error)
		return error;
	uc = start.uc;
	uc->kept = demoted->kept;
	uc->earlier_cpu_ns = demoted->kept->cpu_ns;
	demoted->kept = NULL;
	list_del(&demoted->node);
	if (start_send(t, &start, frame, demoted->memory_limit, 0)) {
		uc->held = true;
		/* What the snapshot's code touches is no working set of the function. */
		uc->answered = true;
	}
	demoted_free(demoted);
	return 0;
}

void promote_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct uc *uc = uc_find(t, frame->uc);
	int error = 0;

	(void)payload;
	if (!uc)
		error = -ESRCH;
	else if (uc->state == UC_DEMOTED)
		error = begin(t, uc, frame);
	else if (uc->state == UC_RUNNING)
		control_ok(t, frame->uc, frame->seq, &(struct control_started){ .pid = uc->host_pid },
			   sizeof(struct control_started));
	else
		error = -EBUSY;
	if (error)
		control_error(t, frame->uc, frame->seq, -error, "promotion of UC %u: %s", frame->uc, strerror(-error));
}

/* ---- the end ---- */

struct promotion {
	struct uc *uc;
	struct pristine pristine;
	struct tracee tracee;
	struct page_runs own, kept, write; /* pages that the process has, that were kept, and both */
	struct page_delta_reader reader;
	int mem;
};

static struct page_delta_reader reader_of(const struct kept *k)
{
	return (struct page_delta_reader){ k->data, k->data + k->bytes };
}

/* Runs of the pages that were kept, those of the extended state left out. */
static void list_kept(const struct kept *k, struct page_runs *runs)
{
	struct page_delta_reader r = reader_of(k);
	uint64_t page[DELTA_PAGE_WORDS], addr;

	while (page_delta_next(&r, &addr) && addr < KEPT_XSTATE_BASE) {
		page_runs_add(runs, addr, addr + UC_PAGE_SIZE);
		page_delta_apply(&r, page);
	}
}

static int write_run(struct promotion *p, const struct page_run *run)
{
	static uint64_t pages[CHUNK_BYTES / sizeof(uint64_t)];
	uint64_t addr;
	size_t bytes;
	int error;

	for (uint64_t at = run->start; at < run->end; at += bytes) {
		bytes = run->end - at < CHUNK_BYTES ? run->end - at : CHUNK_BYTES;
		error = pristine_read(&p->pristine, at, pages, bytes);
		if (error)
			return error;
		while (page_delta_next(&p->reader, &addr) && addr < at + bytes)
			page_delta_apply(&p->reader, pages + (addr - at) / sizeof *pages);
		error = pwrite_all(p->mem, pages, bytes, at);
		if (error)
			return error;
	}
	return 0;
}

/* What the process has written since its deploy goes, what the UC had written comes. */
static int write_memory(struct promotion *p)
{
	struct page_runs all = { 0 };
	int error = pagemap_own_runs(p->uc->pid, 0, UC_GUEST_END, &all);

	pristine_clip(&all, &p->own);
	page_runs_free(&all);
	list_kept(p->uc->kept, &p->kept);
	page_runs_join(&p->own, &p->kept, &p->write);
	p->reader = reader_of(p->uc->kept);
	for (size_t i = 0; !error && i < p->write.count; i++)
		error = write_run(p, &p->write.items[i]);
	return error;
}

static int write_registers(struct promotion *p)
{
	struct tracee *t = &p->tracee;
	uint64_t addr;

	if (t->xstate_bytes != p->uc->kept->xstate_bytes)
		return -EIO;
	t->regs = p->uc->kept->regs;
	memset(t->xstate, 0, sizeof t->xstate);
	while (page_delta_next(&p->reader, &addr))
		page_delta_apply(&p->reader, (uint64_t *)(t->xstate + (addr - KEPT_XSTATE_BASE)));
	return tracee_set(t);
}

/* It may have armed an alarm long ago, which went with its process: this one lets it look. */
static int ring_alarm(struct promotion *p)
{
	return kill(p->uc->pid, SIGALRM) < 0 ? -errno : 0;
}

/* Whatever the snapshot's code has sent on its way here was not the UC. */
static void drop_frames(struct uc *uc)
{
	char byte;

	while (recv(uc->link.fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

static int stop(struct tender *t, struct promotion *p)
{
	const struct libos_header *h = &t->libos.header;
	int error;

	rest_await(p->uc->pid, REST_LIMIT_NS);
	error = tracee_stop(&p->tracee, p->uc->pid, h->altstack_base, h->altstack_bytes);
	if (error && p->tracee.ended)
		uc_note_end(p->uc, p->tracee.status, &p->tracee.usage);
	return error;
}

static int restore(struct tender *t, struct promotion *p)
{
	int error = pristine_open(t, p->uc->origin, &p->pristine);

	if (!error)
		error = stop(t, p);
	if (error)
		return error;
	p->mem = tracee_memory(&p->tracee);
	error = p->mem < 0 ? p->mem : write_memory(p);
	if (!error)
		error = write_registers(p);
	if (!error)
		error = ring_alarm(p);
	drop_frames(p->uc);
	/* A half of it must not run. */
	if (error)
		uc_kill(p->uc, CONTROL_EXIT_KILLED);
	else
		tracee_detach(&p->tracee);
	return error;
}

bool promote_finish(struct tender *t, struct uc *uc)
{
	struct promotion *p = xcalloc(1, sizeof *p);
	int error;

	p->uc = uc;
	p->mem = -1;
	error = restore(t, p);
	pristine_close(&p->pristine);
	page_runs_free(&p->own);
	page_runs_free(&p->kept);
	page_runs_free(&p->write);
	close_if_open(p->mem);
	free(p);
	free(uc->kept);
	uc->kept = NULL;
	uc->state = UC_RUNNING;
	if (error) {
		control_error(t, uc->id, uc->start_seq, -error, "promotion of UC %u: %s", uc->id, strerror(-error));
		uc_kill(uc, CONTROL_EXIT_KILLED);
		return false;
	}
	link_release(t, uc);
	return true;
}
