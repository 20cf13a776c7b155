/* What /proc tells about a UC's process. */
#ifndef TENDER_PROCFS_H
#define TENDER_PROCFS_H

#include <stdint.h>
#include <sys/types.h>

struct tender;
struct control_stat;
struct file_id;

/* The process's number as the node sees it; the tender may live in a pid namespace. 0 if unknown. */
uint32_t procfs_host_pid(const struct tender *t, pid_t pid);

struct procfs_memory {
	uint64_t anonymous_bytes; /* resident and swapped */
	uint64_t page_table_bytes;
	uint64_t resident_bytes;
};
int procfs_memory(pid_t pid, struct procfs_memory *memory);

/*
 * How often the kernel has killed a process of this host, or container, because memory was short. 0 if it
 * does not tell.
 */
uint64_t procfs_oom_kills(void);

/* Letter of its state: R, S, D, T, Z; 0 if it is gone. */
char procfs_state(pid_t pid);

int procfs_stat(const struct tender *t, pid_t pid, struct control_stat *stat);

/* The identity of fd's file as memory maps print it. 0 or -errno. */
int procfs_file_id(int fd, struct file_id *id);

#endif
