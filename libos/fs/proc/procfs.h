/* The engine behind /proc and /sys: trees of constant entries, texts made when they are read. */
#ifndef LIBOS_FS_PROC_PROCFS_H
#define LIBOS_FS_PROC_PROCFS_H

#include "vfs/fs.h"

/* A text under construction. */
struct proc_text {
	char *buf;
	size_t len, size;
	bool failed; /* memory was short */
};
void text_add(struct proc_text *t, const void *data, size_t bytes);
void text_printf(struct proc_text *t, const char *fmt, ...) printf_fn(2, 3);

/*
 * id is what the path says by number: a thread's id below task/, a descriptor below fd/; else 0.
 * One of children, show and link makes an entry a directory, file or symlink.
 */
struct proc_entry {
	const char *name; /* NULL ends a list */
	u32 mode;         /* permission bits, 0: 0444, 0555 or 0777 */
	const struct proc_entry *children;
	const struct proc_numbers *numbers; /* further children, named by number */
	void (*show)(struct proc_text *t, int id);
	int (*store)(const char *text, size_t len, int id); /* text is NUL-ended too */
	long (*link)(char *buf, size_t size, int id); /* as inode_ops.readlink */
	int (*file)(int id, struct file **out);       /* the open file that the link stands for, counted */
};

struct proc_numbers {
	int (*next)(int from); /* lowest number >= from, or -1 */
	const struct proc_entry *entry;
};

struct superblock *proc_tree_new(const char *type, u32 magic, const struct proc_entry *root);

/* proc_self.c, proc_task.c, proc_system.c, proc_net.c */
extern const struct proc_numbers proc_pids;
extern const struct proc_entry proc_net_entries[];
void show_maps(struct proc_text *t, int id);
void show_smaps(struct proc_text *t, int id);
void show_smaps_rollup(struct proc_text *t, int id);
void show_mounts(struct proc_text *t, int id);
void show_mountinfo(struct proc_text *t, int id);
void show_cpuinfo(struct proc_text *t, int id);
void show_task_stat(struct proc_text *t, int tid);
void show_task_status(struct proc_text *t, int tid);
void show_statm(struct proc_text *t, int id);

/* Name of a thread. */
const char *proc_comm(const struct thread *t);
/* Bytes of all the guest's mappings. */
u64 proc_mapped_bytes(void);

#endif
