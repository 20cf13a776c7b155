#include "uc/limits.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "abi/control.h"
#include "base/base.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "process/procfs.h"
#include "sandbox/privileges.h"
#include "tender.h"
#include "uc/cpu_alarm.h"
#include "uc/idle_limit.h"
#include "uc/uc.h"

/*
 * How often is looked at the processor time of watched UCs. One core fills at most 10 GB in a second, in huge
 * pages, so all UCs of a tender together grow by less than 128 MB between two looks.
 */
#define TICK_NS 7000000ull
/* A UC is watched until its CPU time has stood still for so many ticks. */
#define QUIET_TICKS 4
/*
 * Reading how much memory a UC has costs microseconds: it is done each time that the UC has used so much
 * processor time.
 */
#define LOOK_CPU_NS 1000000ull
/* A UC that is not watched is looked at as soon as it has used so much. */
#define ALARM_CPU_NS 1000000ull
/* UCs without an alarm that are looked at in one tick. */
#define DOZING_PER_TICK 256
/* The node is told of a change of a UC's memory by so much. */
#define TELL_BYTES (1ull << 20)
/* One that has not answered after so long most likely waits itself. */
#define RUN_NS 20000000ull
/* One that has not confirmed its deploy by then is killed. */
#define DEPLOY_DEADLINE_NS 10000000000ull
#define NEVER_NS UINT64_MAX

/*
 * Reserved address space is not counted by RLIMIT_DATA, but thread stacks are, and half a GiB for each V8
 * isolate.
 */
#define DATA_SLACK (16ull << 30)
#define DATA_MAX (1ull << 46)

int limits_apply(const struct tender *t, struct uc *uc, uint64_t memory_limit)
{
	uint64_t bytes = memory_limit < DATA_MAX ? memory_limit * 2 + DATA_SLACK : DATA_MAX;
	struct rlimit data = { bytes, bytes };

	uc->memory_limit = memory_limit;
	return privileges_limit(&t->privileges, t->uc_user, uc->pid, RLIMIT_DATA, &data);
}

void limits_watch(struct tender *t, struct uc *uc)
{
	uc->watch.quiet = 0;
	if (uc->state == UC_EMBRYO || uc->state == UC_DEMOTED || uc->state == UC_GONE)
		return;
	if (uc->watch.dozes)
		list_del(&uc->watch.node);
	uc->watch.dozes = false;
	if (!list_empty(&uc->watch.node))
		return;
	list_add_tail(&uc->watch.node, &t->limits.watched);
}

void limits_forget(struct uc *uc)
{
	list_del(&uc->watch.node);
	uc->watch.dozes = false;
	cpu_alarm_drop(uc);
}

static void tell(struct tender *t, struct uc *uc, uint64_t bytes)
{
	uint64_t change =
		bytes > uc->watch.told_bytes ? bytes - uc->watch.told_bytes : uc->watch.told_bytes - bytes;

	if (change < TELL_BYTES || control_congested(t))
		return;
	uc->watch.told_bytes = bytes;
	control_send(t, CONTROL_MEMORY, 0, uc->id, 0, &bytes, sizeof bytes);
}

static void look_at_memory(struct tender *t, struct uc *uc, uint64_t cpu_ns)
{
	struct procfs_memory memory;
	uint64_t bytes;

	uc->watch.looked_cpu_ns = cpu_ns;
	if (procfs_memory(uc->pid, &memory) < 0)
		return;
	bytes = memory.anonymous_bytes + memory.page_table_bytes;
	if (uc->memory_limit && bytes > uc->memory_limit)
		uc_kill(uc, CONTROL_EXIT_MEMORY);
	tell(t, uc, bytes);
}

/* It is quiet. */
static void leave(struct tender *t, struct uc *uc)
{
	list_del(&uc->watch.node);
	uc->watch.dozes = !cpu_alarm_set(uc, ALARM_CPU_NS);
	if (uc->watch.dozes)
		list_add_tail(&uc->watch.node, &t->limits.dozing);
}

static void look_at(struct tender *t, struct uc *uc, uint64_t now)
{
	uint64_t cpu_ns = process_cpu_ns(uc->pid);

	idle_limit_check(t, uc, cpu_ns);
	if (uc->state == UC_STARTING && now - uc->start.at_ns > DEPLOY_DEADLINE_NS)
		uc_kill(uc, CONTROL_EXIT_PROTOCOL);
	if (cpu_ns - uc->watch.looked_cpu_ns >= LOOK_CPU_NS)
		look_at_memory(t, uc, cpu_ns);
	if (cpu_ns != uc->watch.cpu_ns) {
		uc->watch.cpu_ns = cpu_ns;
		uc->watch.quiet = 0;
	} else if (++uc->watch.quiet >= QUIET_TICKS && uc->state != UC_STARTING) {
		if (cpu_ns != uc->watch.looked_cpu_ns)
			look_at_memory(t, uc, cpu_ns);
		leave(t, uc);
	}
}

static void wake(struct tender *t, struct uc *uc)
{
	limits_watch(t, uc);
	look_at_memory(t, uc, process_cpu_ns(uc->pid));
}

static void look_at_dozing(struct tender *t)
{
	int seen = 0;

	list_for_each_safe(n, next, &t->limits.dozing) {
		struct uc *uc = list_entry(n, struct uc, watch.node);

		if (seen++ == DOZING_PER_TICK)
			return;
		if (process_cpu_ns(uc->pid) != uc->watch.cpu_ns) {
			wake(t, uc);
		} else {
			list_del(n);
			list_add_tail(n, &t->limits.dozing);
		}
	}
}

static void tick_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	uint64_t times;

	(void)events;
	if (read(source->fd, &times, sizeof times) < 0 && errno != EAGAIN)
		fatal(errno, "read ticks");
	if (t->limits.next_tick_ns != NEVER_NS)
		t->limits.next_tick_ns = 0;
}

/*
 * A timer of its own: a wait for events that had to end with the next tick would set a timer of the host each
 * time.
 */
static void set_ticks(struct tender *t, uint64_t ns)
{
	struct timespec each = { .tv_nsec = (long)ns };
	struct itimerspec when = { .it_interval = each, .it_value = each };

	if (timerfd_settime(t->limits.ticks.fd, 0, &when, NULL) < 0)
		fatal(errno, "timerfd_settime");
	t->limits.next_tick_ns = ns ? now_ns() + ns : NEVER_NS;
}

void limits_init(struct tender *t)
{
	list_init(&t->limits.watched);
	list_init(&t->limits.dozing);
	t->limits.next_tick_ns = NEVER_NS;
	t->limits.ticks = (struct event_source){
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
		.ready = tick_ready,
	};
	if (t->limits.ticks.fd < 0 || loop_add(t, &t->limits.ticks, EPOLLIN) < 0)
		fatal(errno, "timerfd");
	cpu_alarms_open(t, wake);
}

bool limits_any_runs(const struct tender *t)
{
	list_for_each(n, &t->limits.watched)
		if (!list_entry(n, struct uc, watch.node)->subject.operation)
			return true;
	return false;
}

bool limits_any_answers(const struct tender *t)
{
	uint64_t now = now_ns();

	list_for_each(n, &t->limits.watched) {
		const struct uc *uc = list_entry(n, struct uc, watch.node);

		if (uc->asked_ns && now - uc->asked_ns < RUN_NS)
			return true;
	}
	return false;
}

int limits_timeout_ms(const struct tender *t)
{
	uint64_t now;

	if (t->limits.next_tick_ns == NEVER_NS)
		return -1;
	now = now_ns();
	return now >= t->limits.next_tick_ns ? 0 : (int)((t->limits.next_tick_ns - now) / 1000000) + 1;
}

void limits_tick(struct tender *t)
{
	bool needed = !list_empty(&t->limits.watched) || !list_empty(&t->limits.dozing);
	uint64_t now;

	if (needed != (t->limits.next_tick_ns != NEVER_NS))
		set_ticks(t, needed ? TICK_NS : 0);
	if (!needed)
		return;
	now = now_ns();
	if (now < t->limits.next_tick_ns)
		return;
	list_for_each_safe(n, next, &t->limits.watched)
		look_at(t, list_entry(n, struct uc, watch.node), now);
	look_at_dozing(t);
	t->limits.next_tick_ns = now + TICK_NS;
}
