#include "uc/uc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "process/procfs.h"
#include "process/tracee.h"
#include "tender.h"
#include "uc/hooks.h"
#include "uc/hostfs.h"
#include "uc/limits.h"
#include "uc/link_share.h"

/* A UC whose end takes longer is looked at again from time to time. */
#define END_WAIT_NS 1000000
/* Of the reason why a start failed: an error reply has little more room. */
#define PANIC_BYTES_MAX 256

void uc_table_init(struct tender *t)
{
	for (int i = 0; i < UC_TABLE_SIZE; i++)
		list_init(&t->ucs.chains[i]);
	list_init(&t->ucs.dead);
	list_init(&t->ucs.ending);
	t->ucs.oom_kills = procfs_oom_kills();
}

uint32_t uc_count(const struct tender *t)
{
	return t->ucs.count;
}

static struct list_node *chain_of(struct tender *t, uint32_t id)
{
	return &t->ucs.chains[id % UC_TABLE_SIZE];
}

struct uc *uc_new(void)
{
	struct uc *uc = xcalloc(1, sizeof *uc);

	list_init(&uc->node);
	list_init(&uc->watch.node);
	list_init(&uc->share.waiting);
	list_init(&uc->capture.waiting);
	list_init(&uc->reset.waiting);
	return uc;
}

struct uc *uc_find(struct tender *t, uint32_t id)
{
	list_for_each(n, chain_of(t, id)) {
		struct uc *uc = list_entry(n, struct uc, node);

		if (uc->id == id)
			return uc;
	}
	return NULL;
}

void uc_insert(struct tender *t, struct uc *uc, uint32_t id)
{
	uc->id = id;
	list_add_tail(&uc->node, chain_of(t, id));
	t->ucs.count += uc->state != UC_DEMOTED;
}

void uc_forsake(struct tender *t, struct uc *uc)
{
	list_del(&uc->node);
	t->ucs.count--;
	limits_forget(uc);
	t->uc_hooks->ended(t, uc);
	uc->id = 0;
	uc->state = UC_EMBRYO;
	uc_kill(uc, CONTROL_EXIT_KILLED);
}

void uc_kill(struct uc *uc, enum control_exit_reason reason)
{
	if (uc->state == UC_GONE || uc->waited)
		return;
	if (uc->exit_reason == CONTROL_EXIT_SELF)
		uc->exit_reason = reason;
	/* Not reaped yet, so the number is still its own. */
	kill(uc->pid, SIGKILL);
	operation_cancel(&uc->subject, -ESRCH);
}

static uint64_t timeval_ns(const struct timeval *v)
{
	return (uint64_t)v->tv_sec * 1000000000ull + (uint64_t)v->tv_usec * 1000ull;
}

void uc_note_end(struct uc *uc, int wait_status, const struct rusage *usage)
{
	uc->waited = true;
	uc->end = (struct control_exit){
		.wait_status = wait_status,
		.cpu_ns = timeval_ns(&usage->ru_utime) + timeval_ns(&usage->ru_stime),
		.max_rss_bytes = (uint64_t)usage->ru_maxrss * 1024,
	};
}

void uc_note_stop_failed(struct uc *uc, const struct tracee *tracee, int error)
{
	if (tracee->ended)
		uc_note_end(uc, tracee->status, &tracee->usage);
	else if (error == -ETIMEDOUT)
		uc_kill(uc, CONTROL_EXIT_STUCK);
}

void uc_note_panic(struct uc *uc, const char *text, size_t bytes)
{
	if (uc->state == UC_STARTING && !uc->start.panic)
		uc->start.panic = strndup(text, bytes < PANIC_BYTES_MAX ? bytes : PANIC_BYTES_MAX);
}

static void report_end(struct tender *t, struct uc *uc)
{
	int status = uc->end.wait_status;

	if (uc->state == UC_STARTING) {
		control_error(t, uc->id, uc->start.seq, EPROTO,
			      "UC %u ended before it confirmed its start (%s %d)%s%s", uc->id,
			      WIFSIGNALED(status) ? "signal" : "status",
			      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			      uc->start.panic ? ": " : "", uc->start.panic ? uc->start.panic : "");
	}
	uc->end.reason = uc->exit_reason;
	uc->end.cpu_ns += uc->earlier_cpu_ns;
	control_send(t, CONTROL_EXIT, 0, uc->id, 0, &uc->end, sizeof uc->end);
	for (int i = 0; i < uc->kill.count; i++)
		control_ok(t, uc->id, uc->kill.seqs[i], NULL, 0);
}

static void release_packets(struct uc *uc)
{
	while (uc->out.first) {
		struct packet *p = uc->out.first;

		uc->out.first = p->next;
		close_if_open(p->fd);
		free(p);
	}
}

/* Whether its end has been seen, or is so within ns. */
static bool await_end(struct uc *uc, uint64_t ns)
{
	struct rusage usage;
	int status;

	if (!uc->waited && child_await_end(uc->pid, ns, &status, &usage))
		uc_note_end(uc, status, &usage);
	return uc->waited;
}

/* Nobody here has killed it: it was an operator, or the kernel, for memory. */
static void explain_kill(struct tender *t, struct uc *uc)
{
	uint64_t before = t->ucs.oom_kills;
	int status = uc->end.wait_status;

	if (uc->exit_reason != CONTROL_EXIT_SELF || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return;
	t->ucs.oom_kills = procfs_oom_kills();
	if (t->ucs.oom_kills > before)
		uc->exit_reason = CONTROL_EXIT_MEMORY;
}

/* Its link is closed, its end was seen. */
static void reap(struct tender *t, struct uc *uc)
{
	explain_kill(t, uc);
	if (uc->state == UC_EMBRYO) {
		t->uc_hooks->embryo_lost(t, uc);
	} else {
		report_end(t, uc);
		t->ucs.count--;
	}
	t->uc_hooks->ended(t, uc);
	uc->state = UC_GONE;
	limits_forget(uc);
	close(uc->link.fd);
	release_packets(uc);
	free(uc->kill.seqs);
	free(uc->remains);
	free(uc->start.panic);
	hostfs_free(uc->hostfs);
	snapshot_put(uc->origin);
	pages_put(uc->pages);
	for (int i = 0; i < uc->image_count; i++)
		image_put(uc->images[i]);
	list_del(&uc->node);
	list_add_tail(&uc->node, &t->ucs.dead);
}

void uc_reap(struct tender *t, struct uc *uc)
{
	/* It is over soon. The hangup is told again until then. */
	if (uc->subject.operation) {
		operation_cancel(&uc->subject, -ESRCH);
		return;
	}
	link_share_forget(uc);
	loop_remove(t, &uc->link);
	if (await_end(uc, END_WAIT_NS)) {
		reap(t, uc);
		return;
	}
	kill(uc->pid, SIGKILL);
	list_add_tail(&uc->ending, &t->ucs.ending);
}

int uc_ending_timeout_ms(const struct tender *t)
{
	return list_empty(&t->ucs.ending) ? -1 : 1;
}

void uc_reap_late(struct tender *t)
{
	list_for_each_safe(n, next, &t->ucs.ending) {
		struct uc *uc = list_entry(n, struct uc, ending);

		if (uc->subject.operation || !await_end(uc, 0))
			continue;
		list_del(&uc->ending);
		reap(t, uc);
	}
}

void uc_free_dead(struct tender *t)
{
	list_for_each_safe(n, next, &t->ucs.dead) {
		list_del(n);
		free(list_entry(n, struct uc, node));
	}
}
