/* stat, status and statm of the process and its threads. */
#include "include/upcalls.h"
#include "process/rlimit.h"
#include "procfs.h"
#include "time/clocks.h"

#define NS_PER_TICK 10000000ull
#define KIB(bytes) ((bytes) >> 10)
#define PARENT_PID 1

/* The thread of a task directory; the process as a whole is seen through its main thread. */
static struct thread *thread_of(int tid)
{
	return thread_by_id(tid ? tid : process_id());
}

static char state_letter(const struct thread *t)
{
	return !t || t->state == THREAD_DEAD ? 'Z' : t->state == THREAD_RUNNABLE ? 'R' : 'S';
}

const char *proc_comm(const struct thread *t)
{
	const char *slash;

	if (t && t->comm[0])
		return t->comm;
	/* Nobody named it yet: it bears the program's name. */
	slash = exec_info.path ? strrchr(exec_info.path, '/') : NULL;
	return slash ? slash + 1 : exec_info.path ? exec_info.path : "";
}

static int shown_id(int tid)
{
	return tid ? tid : process_id();
}

void show_task_stat(struct proc_text *t, int tid)
{
	const struct thread *th = thread_of(tid);
	u64 ticks = (tid && th ? thread_cpu_ns(th) : process_cpu_ns()) / NS_PER_TICK;
	u64 mask = th ? th->sig_mask : 0;

	text_printf(t, "%d (%.15s) %c %d %d %d 0 -1 4194304 ", shown_id(tid), proc_comm(th), state_letter(th),
		    PARENT_PID, process_id(), process_id());
	text_printf(t, "0 0 0 0 %lu 0 0 0 20 0 %d 0 0 ", ticks, thread_count);
	text_printf(t, "%lu %lu 18446744073709551615 ", proc_mapped_bytes(),
		    mm_resident_estimate() / PAGE_SIZE);
	text_printf(t, "0 0 %lu 0 0 %lu %lu 0 0 0 0 0 17 0 0 0 0 0 0 ", exec_info.stack_start,
		    th ? th->sig_pending.set : 0ul, mask);
	text_printf(t, "0 0 0 %lu %lu %lu %lu 0\n", exec_info.arg_start, exec_info.arg_end,
		    exec_info.env_start, exec_info.env_end);
}

static void show_ids(struct proc_text *t, int tid)
{
	text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", process_id(),
		    shown_id(tid), PARENT_PID);
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", UC_UID, UC_UID, UC_UID, UC_UID, UC_GID,
		    UC_GID, UC_GID, UC_GID);
	text_printf(t, "FDSize:\t%d\nGroups:\t%u \n", 256, UC_GID);
}

static void show_memory(struct proc_text *t)
{
	u64 size = KIB(proc_mapped_bytes()), rss = KIB(mm_resident_estimate());

	text_printf(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n", size,
		    size);
	text_printf(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\n", rss, rss, rss);
	text_printf(t, "RssFile:\t       0 kB\nRssShmem:\t       0 kB\n");
	text_printf(t, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t       0 kB\nVmLib:\t       0 kB\n", rss,
		    KIB(STACK_BYTES));
	text_printf(t, "VmPTE:\t       0 kB\nVmSwap:\t       0 kB\n");
}

void show_task_status(struct proc_text *t, int tid)
{
	const struct thread *th = thread_of(tid);
	char letter = state_letter(th);

	text_printf(t, "Name:\t%.15s\nUmask:\t%04o\nState:\t%c (%s)\n", proc_comm(th), fd_umask, letter,
		    letter == 'R'   ? "running"
		    : letter == 'S' ? "sleeping"
				    : "zombie");
	show_ids(t, tid);
	show_memory(t);
	text_printf(t, "Threads:\t%d\nSigQ:\t0/1024\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
		    thread_count, th ? th->sig_pending.set : 0ul, 0ul, th ? th->sig_mask : 0ul);
	text_printf(t,
		    "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
		    0ul, 0ul, 0ul, 0ul, 0ul);
	text_printf(t, "NoNewPrivs:\t1\nSeccomp:\t0\nSeccomp_filters:\t0\n");
	text_printf(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
	text_printf(t, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

void show_statm(struct proc_text *t, int id)
{
	u64 rss = mm_resident_estimate() / PAGE_SIZE;

	(void)id;
	text_printf(t, "%lu %lu 0 0 0 %lu 0\n", proc_mapped_bytes() / PAGE_SIZE, rss, rss);
}
