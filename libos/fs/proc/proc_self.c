/* /proc/self: the process and its threads. */
#include <linux/resource.h>

#include "include/upcalls.h"
#include "process/rlimit.h"
#include "procfs.h"

#define PIECE_BYTES 512u
#define STRINGS_BYTES_MAX (1u << 20)

static char *exe; /* resolved */

void proc_note_exe(void)
{
	struct path p;
	char *path;

	if (exe || !exec_info.path || path_lookup(AT_FDCWD, exec_info.path, 0, &p))
		return;
	path = p.dentry ? kmalloc(PATH_MAX) : NULL;
	if (path && dentry_path(p.dentry, path, PATH_MAX) >= 0)
		exe = path;
	else
		kfree(path);
	path_put(&p);
}

static long copy_link(char *buf, size_t size, const char *target)
{
	size_t n = MIN(strlen(target), size);

	memcpy(buf, target, n);
	return (long)n;
}

static long exe_link(char *buf, size_t size, int id)
{
	(void)id;
	proc_note_exe();
	return exe ? copy_link(buf, size, exe) : -ENOENT;
}

static long dentry_link(const struct dentry *d, char *buf, size_t size)
{
	char *path = kmalloc(PATH_MAX + 16);
	long n;

	if (!path)
		return -ENOMEM;
	n = dentry_path(d, path, PATH_MAX);
	if (n >= 0) {
		if (d->deleted)
			memcpy(path + n, " (deleted)", 11);
		n = copy_link(buf, size, path);
	}
	kfree(path);
	return n;
}

static long cwd_link(char *buf, size_t size, int id)
{
	(void)id;
	return dentry_link(fs_cwd, buf, size);
}

static long root_link(char *buf, size_t size, int id)
{
	(void)id;
	return copy_link(buf, size, "/");
}

static long fd_link(char *buf, size_t size, int fd)
{
	struct file *f = fd_peek(fd);
	struct stat st;
	char name[40];

	if (!f)
		return -ENOENT;
	if (f->dentry)
		return dentry_link(f->dentry, buf, size);
	if (file_stat(f, &st))
		st.st_mode = 0;
	if (S_ISFIFO(st.st_mode))
		snprintf(name, sizeof name, "pipe:[%lu]", st.st_ino);
	else if (S_ISSOCK(st.st_mode))
		snprintf(name, sizeof name, "socket:[%lu]", st.st_ino);
	else
		snprintf(name, sizeof name, "anon_inode:[event]");
	return copy_link(buf, size, name);
}

static int fd_file(int fd, struct file **out)
{
	*out = fd_get(fd);
	return *out ? 0 : -ENOENT;
}

static void show_fdinfo(struct proc_text *t, int fd)
{
	const struct file *f = fd_peek(fd);
	u32 cloexec = fd_cloexec(fd) ? O_CLOEXEC : 0;

	if (f)
		text_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t1\nino:\t%lu\n", f->pos, f->flags | cloexec,
			    f->inode ? f->inode->ino : 0ul);
}

static int next_fd(int from)
{
	struct file *f;

	return fd_next(from, &f);
}

static int next_tid(int from)
{
	int best = -1;

	list_for_each(n, &threads) {
		int tid = list_entry(n, struct thread, all)->tid;

		if (tid >= from && (best < 0 || tid < best))
			best = tid;
	}
	return best;
}

static int next_pid(int from)
{
	if (is_process_id(from))
		return from;
	return from <= process_id() ? process_id() : -1;
}

static void show_memory_range(struct proc_text *t, u64 start, u64 end)
{
	u8 piece[PIECE_BYTES];

	if (end - start > STRINGS_BYTES_MAX)
		end = start + STRINGS_BYTES_MAX;
	while (start < end) {
		u64 n = MIN(end - start, sizeof piece);

		if (copy_from_user(piece, start, n))
			return;
		text_add(t, piece, n);
		start += n;
	}
}

static void show_environ(struct proc_text *t, int id)
{
	(void)id;
	show_memory_range(t, exec_info.env_start, exec_info.env_end);
}

static void show_cmdline(struct proc_text *t, int id)
{
	(void)id;
	show_memory_range(t, exec_info.arg_start, exec_info.arg_end);
}

static void show_auxv(struct proc_text *t, int id)
{
	(void)id;
	show_memory_range(t, exec_info.auxv_start, exec_info.auxv_end);
}

static void show_comm(struct proc_text *t, int tid)
{
	text_printf(t, "%.15s\n", proc_comm(thread_by_id(tid ? tid : process_id())));
}

static int store_comm(const char *text, size_t len, int tid)
{
	struct thread *th = thread_by_id(tid ? tid : process_id());
	size_t n = MIN(len, sizeof th->comm - 1);

	if (!th)
		return -ESRCH;
	if (n && text[n - 1] == '\n')
		n--;
	memcpy(th->comm, text, n);
	th->comm[n] = 0;
	return 0;
}

static int oom_score_adj;

static void show_oom_score_adj(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "%d\n", oom_score_adj);
}

static int store_oom_score_adj(const char *text, size_t len, int id)
{
	bool negative = *text == '-';
	int value = 0;

	(void)len;
	(void)id;
	for (text += negative; *text >= '0' && *text <= '9' && value <= 1000; text++)
		value = value * 10 + (*text - '0');
	if ((*text && *text != '\n') || value > 1000)
		return -EINVAL;
	oom_score_adj = negative ? -value : value;
	return 0;
}

static void show_zero(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "0\n");
}

static void show_cgroup(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "0::/\n");
}

static void show_io(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\n"
		       "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

static void show_limits(struct proc_text *t, int id)
{
	static const struct {
		const char *name, *unit;
		u32 resource;
	} rows[] = {
		{ "Max cpu time", "seconds", RLIMIT_CPU },
		{ "Max file size", "bytes", RLIMIT_FSIZE },
		{ "Max data size", "bytes", RLIMIT_DATA },
		{ "Max stack size", "bytes", RLIMIT_STACK },
		{ "Max core file size", "bytes", RLIMIT_CORE },
		{ "Max resident set", "bytes", RLIMIT_RSS },
		{ "Max processes", "processes", RLIMIT_NPROC },
		{ "Max open files", "files", RLIMIT_NOFILE },
		{ "Max locked memory", "bytes", RLIMIT_MEMLOCK },
		{ "Max address space", "bytes", RLIMIT_AS },
	};

	(void)id;
	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (u32 k = 0; k < ARRAY_SIZE(rows); k++) {
		u64 limit = rlimit_soft(rows[k].resource);
		char text[24] = "unlimited";

		if (limit != RLIM_INFINITY)
			snprintf(text, sizeof text, "%lu", limit);
		text_printf(t, "%-25s %-20s %-20s %-10s\n", rows[k].name, text, text, rows[k].unit);
	}
}

static const struct proc_entry fd_entry = { .link = fd_link, .file = fd_file };
static const struct proc_entry fdinfo_entry = { .show = show_fdinfo };
static const struct proc_numbers fd_numbers = { next_fd, &fd_entry };
static const struct proc_numbers fdinfo_numbers = { next_fd, &fdinfo_entry };

static const struct proc_entry task_entries[] = {
	{ .name = "stat", .show = show_task_stat },
	{ .name = "status", .show = show_task_status },
	{ .name = "comm", .mode = 0644, .show = show_comm, .store = store_comm },
	{ .name = "cmdline", .show = show_cmdline },
	{ .name = "maps", .show = show_maps },
	{ .name = "statm", .show = show_statm },
	{ 0 },
};
static const struct proc_entry task_entry = { .children = task_entries };
static const struct proc_numbers task_numbers = { next_tid, &task_entry };

static const struct proc_entry pid_entries[] = {
	{ .name = "auxv", .mode = 0400, .show = show_auxv },
	{ .name = "cgroup", .show = show_cgroup },
	{ .name = "cmdline", .show = show_cmdline },
	{ .name = "comm", .mode = 0644, .show = show_comm, .store = store_comm },
	{ .name = "cwd", .link = cwd_link },
	{ .name = "environ", .mode = 0400, .show = show_environ },
	{ .name = "exe", .link = exe_link },
	{ .name = "fd", .mode = 0500, .numbers = &fd_numbers },
	{ .name = "fdinfo", .mode = 0500, .numbers = &fdinfo_numbers },
	{ .name = "io", .mode = 0400, .show = show_io },
	{ .name = "limits", .show = show_limits },
	{ .name = "maps", .show = show_maps },
	{ .name = "mountinfo", .show = show_mountinfo },
	{ .name = "mounts", .show = show_mounts },
	{ .name = "net", .children = proc_net_entries },
	{ .name = "oom_score", .show = show_zero },
	{ .name = "oom_score_adj", .mode = 0644, .show = show_oom_score_adj, .store = store_oom_score_adj },
	{ .name = "root", .link = root_link },
	{ .name = "smaps", .show = show_smaps },
	{ .name = "smaps_rollup", .show = show_smaps_rollup },
	{ .name = "stat", .show = show_task_stat },
	{ .name = "statm", .show = show_statm },
	{ .name = "status", .show = show_task_status },
	{ .name = "task", .numbers = &task_numbers },
	{ 0 },
};
static const struct proc_entry pid_entry = { .children = pid_entries };
const struct proc_numbers proc_pids = { next_pid, &pid_entry };
