/* One tender: bound to a core, it serves one control socket. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "context.h"
#include "control.h"
#include "events.h"
#include "frame.h"
#include "launcher.h"
#include "limits.h"
#include "operation.h"
#include "peers.h"
#include "procfs.h"
#include "store.h"
#include "template.h"
#include "uc.h"
#include "vdso.h"
#include "words.h"

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

static void init_state(struct tender *t, const struct launch *l, int index)
{
	t->index = index;
	t->count = l->cpu_count;
	t->cpu = l->cpus[index];
	t->uc_max = l->uc_max;
	t->libos = l->libos;
	t->without = l->without;
	t->huge_fs = l->huge_fs;
	t->host_proc = l->host_proc;
	t->vdso_clock_gettime = vdso_clock_gettime_moved();
	frame_probe(&t->xstate_bytes, &t->xstate_mask);
	uc_table_init(t);
	list_init(&t->resets);
	list_init(&t->captures);
	operations_init(t);
	templates_init(t);
	t->spare_layer.fd = -1;
	table_init(&t->images);
	table_init(&t->layers);
	table_init(&t->snapshots);
	list_init(&t->image_numbers);
	list_init(&t->diffs);
}

void tender_main(const struct launch *l, int index, const int *socks)
{
	static struct tender tender;
	struct tender *t = &tender;
	int error;

	bind_to(l->cpus[index]);
	/* Its short waits shall be short. */
	if (prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) < 0)
		fatal(errno, "PR_SET_TIMERSLACK");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal(errno, "SIGPIPE");
	t->uc_user = UC_USER_BASE + (unsigned)index;
	privileges_probe(&t->privileges, t->uc_user);
	zygote_start(&t->zygote, &l->libos, &t->privileges, t->uc_user);
	t->in_memory_group = memory_group_join(&l->memory_group, t->zygote.pid);
	t->oom_kills = procfs_oom_kills();
	init_state(t, l, index);
	error = procfs_file_id(t->libos.fd, &t->libos_file);
	if (error)
		fatal(-error, "identity of the library OS");
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		fatal(errno, "epoll_create1");
	limits_init(t);
	control_open(t, CONTROL_FD_FIRST + index);
	peers_open(t, socks);
	stores_init(t);
	words_init(t, l->packs);
	events_run(t);
}
