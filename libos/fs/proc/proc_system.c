/* /proc: what concerns the whole system. */
#include <linux/magic.h>

#include "fs/dev/fresh.h"
#include "fs/tree.h"
#include "process/random.h"
#include "process/system.h"
#include "procfs.h"
#include "time/clock.h"
#include "time/clocks.h"

#define TICKS_PER_S 100
#define KIB(bytes) ((bytes) >> 10)
#define UUID_TEXT 37

static long self_link(char *buf, size_t size, int id)
{
	char name[16];
	size_t n = (size_t)snprintf(name, sizeof name, "%d", process_id());

	(void)id;
	n = MIN(n, size);
	memcpy(buf, name, n);
	return (long)n;
}

static long thread_self_link(char *buf, size_t size, int id)
{
	char name[40];
	size_t n = (size_t)snprintf(name, sizeof name, "%d/task/%d", process_id(), current->tid);

	(void)id;
	n = MIN(n, size);
	memcpy(buf, name, n);
	return (long)n;
}

static long below_self(char *buf, size_t size, const char *name)
{
	size_t n = MIN(strlen(name), size);

	memcpy(buf, name, n);
	return (long)n;
}

static long mounts_link(char *buf, size_t size, int id)
{
	(void)id;
	return below_self(buf, size, "self/mounts");
}

static long net_link(char *buf, size_t size, int id)
{
	(void)id;
	return below_self(buf, size, "self/net");
}

static void show_meminfo(struct proc_text *t, int id)
{
	u64 total = KIB(system_memory_bytes()), free = KIB(system_free_bytes());

	(void)id;
	text_printf(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n", total,
		    free, free);
	text_printf(
		t, "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n");
	text_printf(t, "Active:         %8lu kB\nInactive:              0 kB\n", total - MIN(free, total));
	text_printf(
		t, "SwapTotal:             0 kB\nSwapFree:              0 kB\nShmem:                 0 kB\n");
	text_printf(t, "CommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\n", total, total - MIN(free, total));
	text_printf(t, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
}

static void show_stat(struct proc_text *t, int id)
{
	u64 up = clock_monotonic_ns(), busy = process_cpu_ns(), tick = NS_PER_S / TICKS_PER_S;
	u64 user = busy / tick, idle = (up - MIN(busy, up)) / tick;
	u64 btime = (clock_realtime_ns() - up) / NS_PER_S;

	(void)id;
	text_printf(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\ncpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", user, idle, user,
		    idle);
	text_printf(t, "intr 0\nctxt 0\nbtime %lu\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n", btime);
}

static void show_uptime(struct proc_text *t, int id)
{
	u64 up = clock_monotonic_ns(), idle = up - MIN(process_cpu_ns(), up), hundredth = NS_PER_S / 100;

	up /= hundredth;
	idle /= hundredth;
	(void)id;
	text_printf(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
}

static void show_version(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "Linux version %s (%s) %s\n", SYSTEM_RELEASE, SYSTEM_NODENAME, SYSTEM_VERSION);
}

static void show_loadavg(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "0.00 0.00 0.00 %d/%d %d\n", 1 + sched_runnable(), thread_count, process_id());
}

static void show_filesystems(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tdevtmpfs\n\terofs\n");
}

static void show_root_cmdline(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "seuss\n");
}

/* sys/kernel ---------------------------------------------------------------------- */

static void show_osrelease(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "%s\n", SYSTEM_RELEASE);
}

static void show_ostype(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "Linux\n");
}

static void show_hostname(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "%s\n", SYSTEM_NODENAME);
}

static void show_sysversion(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "%s\n", SYSTEM_VERSION);
}

static void uuid_text(char out[UUID_TEXT], u8 bytes[16])
{
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (u32 k = 0, at = 0; k < 16; k++) {
		if (k == 4 || k == 6 || k == 8 || k == 10)
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", bytes[k]);
		at += 2;
	}
}

static void show_uuid(struct proc_text *t, int id)
{
	char text[UUID_TEXT];
	u8 bytes[16];

	(void)id;
	draws_note();
	random_bytes(bytes, sizeof bytes);
	uuid_text(text, bytes);
	text_printf(t, "%s\n", text);
}

/* One for all readers from the first on, as long as the UC lives: clones of a snapshot share it. */
static void show_boot_id(struct proc_text *t, int id)
{
	static char text[UUID_TEXT];

	(void)id;
	if (!text[0]) {
		u8 bytes[16];

		draws_note();
		random_bytes(bytes, sizeof bytes);
		uuid_text(text, bytes);
	}
	text_printf(t, "%s\n", text);
}

#define SHOW_CONSTANT(name, text)                            \
	static void show_##name(struct proc_text *t, int id) \
	{                                                    \
		(void)id;                                    \
		text_printf(t, text "\n");                   \
	}

SHOW_CONSTANT(pid_max, "4194304")
SHOW_CONSTANT(ngroups_max, "65536")
SHOW_CONSTANT(cap_last_cap, "40")
SHOW_CONSTANT(threads_max, "8192")
SHOW_CONSTANT(zero, "0")
SHOW_CONSTANT(one, "1")
SHOW_CONSTANT(two, "2")
SHOW_CONSTANT(entropy, "256")
SHOW_CONSTANT(core_pattern, "core")
SHOW_CONSTANT(max_map_count, "65530")
SHOW_CONSTANT(overcommit_ratio, "50")
SHOW_CONSTANT(mmap_min_addr, "65536")
SHOW_CONSTANT(somaxconn, "4096")
SHOW_CONSTANT(port_range, "32768\t60999")
SHOW_CONSTANT(file_max, "9223372036854775807")
SHOW_CONSTANT(file_nr, "64\t0\t9223372036854775807")
SHOW_CONSTANT(nr_open, "1048576")
SHOW_CONSTANT(pipe_max, "1048576")

static const struct proc_entry random_entries[] = {
	{ .name = "boot_id", .show = show_boot_id },
	{ .name = "entropy_avail", .show = show_entropy },
	{ .name = "poolsize", .show = show_entropy },
	{ .name = "uuid", .show = show_uuid },
	{ 0 },
};
static const struct proc_entry kernel_entries[] = {
	{ .name = "cap_last_cap", .show = show_cap_last_cap },
	{ .name = "core_pattern", .show = show_core_pattern },
	{ .name = "hostname", .show = show_hostname },
	{ .name = "ngroups_max", .show = show_ngroups_max },
	{ .name = "osrelease", .show = show_osrelease },
	{ .name = "ostype", .show = show_ostype },
	{ .name = "perf_event_paranoid", .show = show_two },
	{ .name = "pid_max", .show = show_pid_max },
	{ .name = "random", .children = random_entries },
	{ .name = "randomize_va_space", .show = show_zero },
	{ .name = "threads-max", .show = show_threads_max },
	{ .name = "version", .show = show_sysversion },
	{ 0 },
};
static const struct proc_entry vm_entries[] = {
	{ .name = "max_map_count", .show = show_max_map_count },
	{ .name = "mmap_min_addr", .show = show_mmap_min_addr },
	{ .name = "overcommit_memory", .show = show_one },
	{ .name = "overcommit_ratio", .show = show_overcommit_ratio },
	{ .name = "swappiness", .show = show_zero },
	{ 0 },
};
static const struct proc_entry core_entries[] = { { .name = "somaxconn", .show = show_somaxconn }, { 0 } };
static const struct proc_entry ipv4_entries[] = {
	{ .name = "ip_local_port_range", .show = show_port_range },
	{ .name = "ip_unprivileged_port_start", .show = show_zero },
	{ 0 },
};
static const struct proc_entry sysnet_entries[] = {
	{ .name = "core", .children = core_entries },
	{ .name = "ipv4", .children = ipv4_entries },
	{ 0 },
};
static const struct proc_entry sysfs_entries[] = {
	{ .name = "file-max", .show = show_file_max },
	{ .name = "file-nr", .show = show_file_nr },
	{ .name = "nr_open", .show = show_nr_open },
	{ .name = "pipe-max-size", .show = show_pipe_max },
	{ 0 },
};
static const struct proc_entry sys_entries[] = {
	{ .name = "fs", .children = sysfs_entries },
	{ .name = "kernel", .children = kernel_entries },
	{ .name = "net", .children = sysnet_entries },
	{ .name = "vm", .children = vm_entries },
	{ 0 },
};

static const struct proc_entry root_entries[] = {
	{ .name = "cmdline", .show = show_root_cmdline },
	{ .name = "cpuinfo", .show = show_cpuinfo },
	{ .name = "filesystems", .show = show_filesystems },
	{ .name = "loadavg", .show = show_loadavg },
	{ .name = "meminfo", .show = show_meminfo },
	{ .name = "mounts", .link = mounts_link },
	{ .name = "net", .link = net_link },
	{ .name = "self", .link = self_link },
	{ .name = "stat", .show = show_stat },
	{ .name = "sys", .children = sys_entries },
	{ .name = "thread-self", .link = thread_self_link },
	{ .name = "uptime", .show = show_uptime },
	{ .name = "version", .show = show_version },
	{ 0 },
};
static const struct proc_entry root_entry = { .children = root_entries, .numbers = &proc_pids };

struct superblock *procfs_new(void)
{
	return proc_tree_new("proc", PROC_SUPER_MAGIC, &root_entry);
}
