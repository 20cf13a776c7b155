#include "node/serve.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/base.h"
#include "capture/capture_later.h"
#include "capture/snapshot_diff.h"
#include "disk/store.h"
#include "idle/reset.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "loop/operation.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/snapshot.h"
#include "memory/spare_layer.h"
#include "memory/packs.h"
#include "node/hooks.h"
#include "node/launch.h"
#include "node/requests.h"
#include "node/turn.h"
#include "peers/peer_join.h"
#include "peers/peers.h"
#include "plan/frame.h"
#include "process/procfs.h"
#include "sandbox/huge_image.h"
#include "sandbox/memory_group.h"
#include "sandbox/privileges.h"
#include "sandbox/vdso.h"
#include "sandbox/zygote.h"
#include "start/embryo_pool.h"
#include "start/template.h"
#include "tender.h"
#include "uc/limits.h"
#include "uc/link_share.h"
#include "uc/uc.h"

/* A user that no host has: each tender's UCs have their own. */
#define UC_USER_BASE 0x5e550000u

static void bind_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		fatal(errno, "bind to core %d", cpu);
}

static void init_state(struct tender *t, const struct launch *l)
{
	t->index = l->index;
	t->count = l->count;
	t->cpu = l->cpu;
	t->uc_max = l->uc_max;
	t->libos = l->libos;
	t->without = l->without;
	t->capture_max = l->capture_max;
	t->huge_fs = HUGE_FS_UNKNOWN;
	t->host_proc = l->host_proc;
	t->vdso_clock_gettime = vdso_clock_gettime_moved();
	frame_probe(&t->xstate_bytes, &t->xstate_mask);
	t->memory_hooks = &memory_hooks;
	t->uc_hooks = &uc_hooks;
	operations_init(t, &operation_hooks);
	images_init(t);
	layers_init(t);
	snapshots_init(t);
	spare_layer_init(t);
	uc_table_init(t);
	link_shares_init(t);
	pool_init(t);
	templates_init(t);
	captures_later_init(t);
	snapshot_diffs_init(t);
	resets_init(t);
}

/* Without it no context can be made any more: the node starts another tender. */
static void zygote_ended(struct tender *t, struct event_source *source, uint32_t events)
{
	(void)t, (void)source, (void)events;
	fatal(0, "the zygote has ended");
}

static void watch_zygote(struct tender *t)
{
	int error;

	t->zygote_end = (struct event_source){ .fd = t->zygote.sock, .ready = zygote_ended };
	error = loop_add(t, &t->zygote_end, 0);
	if (error)
		fatal(-error, "socket of the zygote");
}

void serve(const struct launch *l)
{
	static struct tender tender;
	struct tender *t = &tender;
	int error;

	bind_to(l->cpu);
	/* Its short waits shall be short. */
	if (prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) < 0)
		fatal(errno, "PR_SET_TIMERSLACK");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal(errno, "SIGPIPE");
	t->uc_user = UC_USER_BASE + (unsigned)l->index;
	privileges_probe(&t->privileges, t->uc_user);
	zygote_start(&t->zygote, &l->libos, &t->privileges, t->uc_user);
	t->in_memory_group = memory_group_join(&l->memory_group, t->zygote.pid);
	init_state(t, l);
	error = procfs_file_id(t->libos.fd, &t->libos_file);
	if (error)
		fatal(-error, "identity of the library OS");
	loop_init(t);
	watch_zygote(t);
	limits_init(t);
	control_open(t, CONTROL_FD, request_handle);
	peers_init(t);
	stores_init(t);
	packs_init(t);
	peer_join_init(t, l->peers_path);
	turns_run(t);
}
