#include "process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "base/base.h"
#include "base/file_id.h"
#include "plan/vma_list.h"
#include "process/maps.h"
#include "tender.h"

/* Twice what the kernel writes. */
#define STATUS_BYTES 4096

/* Value in front of which `label` stands at the start of a line; 0 without such a line. */
static uint64_t labelled(const char *text, const char *label)
{
	size_t n = strlen(label);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, label, n))
			return strtoull(line + n, NULL, 10);
	}
	return 0;
}

/* Pid: in a pidfd's fdinfo is counted in the namespace of the /proc that is read. */
uint32_t procfs_host_pid(const struct tender *t, pid_t pid)
{
	char path[64], *text;
	uint32_t found = 0;
	int pidfd;

	if (t->host_proc < 0)
		return (uint32_t)pid;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return 0;
	snprintf(path, sizeof path, "self/fdinfo/%d", pidfd);
	if (read_text_at(t->host_proc, path, &text) >= 0) {
		found = (uint32_t)labelled(text, "Pid:");
		free(text);
	}
	close(pidfd);
	return found;
}

static ssize_t read_of(pid_t pid, const char *name, char **text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return read_text_at(AT_FDCWD, path, text);
}

/* Done hundreds of times in a second: the file is read in one piece. */
int procfs_memory(pid_t pid, struct procfs_memory *memory)
{
	char text[STATUS_BYTES], path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	memory->anonymous_bytes = (labelled(text, "RssAnon:") + labelled(text, "VmSwap:")) * 1024;
	memory->resident_bytes = labelled(text, "VmRSS:") * 1024;
	memory->page_table_bytes = labelled(text, "VmPTE:") * 1024;
	return 0;
}

uint64_t procfs_oom_kills(void)
{
	uint64_t kills = 0;
	char *text;

	if (read_text_at(AT_FDCWD, "/proc/vmstat", &text) < 0)
		return 0;
	kills = labelled(text, "oom_kill ");
	free(text);
	return kills;
}

/* The name before it, in parentheses, may hold anything. */
char procfs_state(pid_t pid)
{
	const char *end;
	char *text, state = 0;

	if (read_of(pid, "stat", &text) < 0)
		return 0;
	end = strrchr(text, ')');
	if (end && end[1] == ' ')
		state = end[2];
	free(text);
	return state;
}

int procfs_stat(const struct tender *t, pid_t pid, struct control_stat *stat)
{
	struct procfs_memory memory;
	int error = procfs_memory(pid, &memory);

	if (error)
		return error;
	*stat = (struct control_stat){
		.private_bytes = memory.anonymous_bytes,
		.page_table_bytes = memory.page_table_bytes,
		.cpu_ns = process_cpu_ns(pid),
		.pid = procfs_host_pid(t, pid),
	};
	/* RssAnon is exact for private pages; what else is resident is files and layers. */
	if (memory.resident_bytes > memory.anonymous_bytes)
		stat->shared_bytes = memory.resident_bytes - memory.anonymous_bytes;
	stat->state = (uint8_t)procfs_state(pid);
	return stat->state ? 0 : -ESRCH;
}

/* st_dev is not what maps show on every file system, so a map of the file is asked. */
int procfs_file_id(int fd, struct file_id *id)
{
	void *page = mmap(NULL, UC_PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	struct vma v;
	int error;

	if (page == MAP_FAILED)
		return -errno;
	error = maps_read_one(getpid(), (uint64_t)page, &v);
	if (!error)
		*id = v.file;
	munmap(page, UC_PAGE_SIZE);
	return error;
}
