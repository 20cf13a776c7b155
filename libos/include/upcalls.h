/*
 * The calls that run upwards: from a room to one that stands on it, each for the reason given. All
 * others run down, or between the rooms of the core (arch, host, mm, thread, signal, time, process),
 * which need each other, or between net/ and its transports. tests/layout.test.ts keeps it so.
 */
#ifndef LIBOS_UPCALLS_H
#define LIBOS_UPCALLS_H

#include "types.h"

struct file;
struct ksiginfo;
struct link_mount;

/* host/link.c, from everywhere: what cannot go on ends the UC, and only the host can end it. */
noreturn_fn void uc_exit(u32 status, u32 signal);
/* host/link.c, from everywhere: a state that must not be is told to the host, whatever room finds it. */
noreturn_fn void panic(const char *fmt, ...) printf_fn(1, 2);
/* host/link.c, from everywhere: a line for the host when it asked for a trace, nothing else. */
void trace(const char *fmt, ...) printf_fn(1, 2);

/* boot/embryo.c, from arch/entry.S: an embryo begins in assembly, before there is a frame to run C in. */
void embryo_main(void);
/* boot/embryo.c, from arch/entry.S: likewise of a UC that is set back to its snapshot. */
void reset_main(void);
/*
 * sys/syscall.c, from arch/: a trap of the guest was a system call. Runs that of current->tf and sets
 * its rax.
 */
void syscall_dispatch(void);
/*
 * sys/syscall.c, from arch/entry.S: the last thing before the guest runs. 1: restore all registers; 0:
 * rcx, r11 are free.
 */
int return_to_guest(void);
/* sys/syscall.c, from host/link.c: the last words of a UC with a trace are the calls that it missed. */
void syscall_trace_unknown(void);
/*
 * signal/signal.c, from arch/: a trap was a fault. Delivered to current even if blocked or ignored
 * (then fatal).
 */
void signal_force(const struct ksiginfo *info);
/*
 * thread/sched.c, from arch/: the alarm rang in guest code. Runs due timers, polls the link, lets
 * others run.
 */
void sched_tick(void);

/*
 * fs/tree.c, from host/link.c: LINK_MOUNT came. Mounts the image behind fd; a refusal is traced and fd
 * closed.
 */
void fs_handle_mount(const struct link_mount *m, const char *path, size_t len, int fd);
/* vfs/, from mm/: a mapping has a file, and counts it. fd_get: a counted reference, or NULL (EBADF). */
struct file *fd_get(int fd);
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* vfs/fdtable.c, from process/rlimit.c: the soft RLIMIT_NOFILE is where the table looks at each open. */
void fd_set_limit(u32 limit);
/*
 * What /proc/self tells of the program. Addresses of the guest, each range without what follows its last
 * NUL.
 */
struct exec_info {
	char *path; /* of the ELF file that runs, for /proc/self/exe */
	u64 arg_start, arg_end; /* the argument strings */
	u64 env_start, env_end;
	u64 auxv_start, auxv_end;
	u64 stack_start; /* %rsp at entry */
	u64 random;      /* the 16 bytes of AT_RANDOM */
};
/* boot/, from fs/: what /proc tells of the program is known only to who loaded it. */
extern struct exec_info exec_info;
/* fs/dev/draws.c, from process/: getrandom(2) is called. Not for the driver's own draws. */
void draws_note_call(u32 flags);
/*
 * fs/proc/proc_self.c, from vfs/mount.c: makes the program's path absolute, once, before the first
 * directory is left.
 */
void proc_note_exe(void);
/*
 * event/epoll_item.c, from vfs/file.c: the last reference of f goes, before its release. No epoll
 * watches it from now on.
 */
void epoll_file_released(struct file *f);

#endif
