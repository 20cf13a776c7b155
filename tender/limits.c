#include "limits.h"

#include <errno.h>
#include <sys/resource.h>

#include "procfs.h"
#include "uc.h"

#define TICK_NS 25000000ull
/* A UC is watched until its CPU time has stood still for so many ticks. */
#define QUIET_TICKS 8
/* How often, and at how many of all UCs at a time, is looked besides. */
#define SWEEP_NS 1000000000ull
#define SWEEP_UCS 128
#define SWEEP_CHAINS 512
#define DEPLOY_DEADLINE_NS 10000000000ull

/* Reserved address space is not counted by RLIMIT_DATA, but thread stacks are, and half a GiB for each V8 isolate. */
#define DATA_SLACK (16ull << 30)
#define DATA_MAX (1ull << 46)

int limits_apply(struct uc *uc, uint64_t memory_limit)
{
	uint64_t bytes = memory_limit < DATA_MAX ? memory_limit * 2 + DATA_SLACK : DATA_MAX;
	struct rlimit data = { bytes, bytes };

	uc->memory_limit = memory_limit;
	return prlimit(uc->pid, RLIMIT_DATA, &data, NULL) < 0 ? -errno : 0;
}

void limits_watch(struct tender *t, struct uc *uc)
{
	uc->watched_quiet = 0;
	if (uc->state == UC_EMBRYO || uc->state == UC_DEMOTED || uc->state == UC_GONE || !list_empty(&uc->watched))
		return;
	if (list_empty(&t->watched)) {
		uint64_t tick = now_ns() + TICK_NS;

		if (t->next_tick_ns > tick)
			t->next_tick_ns = tick;
	}
	list_add_tail(&uc->watched, &t->watched);
}

void limits_unwatch(struct uc *uc)
{
	list_del(&uc->watched);
}

static void check_memory(struct uc *uc)
{
	struct procfs_memory memory;

	if (!uc->memory_limit || procfs_memory(uc->pid, &memory) < 0)
		return;
	if (memory.anonymous_bytes + memory.page_table_bytes > uc->memory_limit)
		uc_kill(uc, CONTROL_EXIT_MEMORY);
}

static void look_at(struct uc *uc, uint64_t now)
{
	uint64_t cpu_ns = procfs_cpu_ns(uc->pid);

	if (uc->state == UC_STARTING && now - uc->started_ns > DEPLOY_DEADLINE_NS)
		uc_kill(uc, CONTROL_EXIT_PROTOCOL);
	if (cpu_ns != uc->watched_cpu_ns) {
		uc->watched_cpu_ns = cpu_ns;
		uc->watched_quiet = 0;
		check_memory(uc);
	} else if (++uc->watched_quiet >= QUIET_TICKS && uc->state != UC_STARTING) {
		limits_unwatch(uc);
	}
}

/* A guest that sleeps out of sight and then grows is found here, and held by RLIMIT_DATA. */
static void sweep(struct tender *t)
{
	int seen = 0;

	for (int i = 0; i < SWEEP_CHAINS && seen < SWEEP_UCS; i++) {
		list_for_each(n, &t->table[t->sweep_chain]) {
			struct uc *uc = list_entry(n, struct uc, node);

			if (uc->state == UC_DEMOTED)
				continue;
			seen++;
			if (procfs_cpu_ns(uc->pid) != uc->watched_cpu_ns)
				limits_watch(t, uc);
		}
		t->sweep_chain = (t->sweep_chain + 1) % UC_TABLE_SIZE;
	}
}

int limits_timeout_ms(const struct tender *t)
{
	uint64_t now;

	if (!t->uc_count)
		return -1;
	now = now_ns();
	return now >= t->next_tick_ns ? 0 : (int)((t->next_tick_ns - now) / 1000000) + 1;
}

void limits_tick(struct tender *t)
{
	uint64_t now = now_ns();

	if (!t->uc_count || now < t->next_tick_ns)
		return;
	list_for_each_safe(n, next, &t->watched)
		look_at(list_entry(n, struct uc, watched), now);
	if (now >= t->next_sweep_ns) {
		sweep(t);
		t->next_sweep_ns = now + SWEEP_NS;
	}
	t->next_tick_ns = list_empty(&t->watched) ? t->next_sweep_ns : now + TICK_NS;
}
