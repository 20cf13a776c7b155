/* net/: pipes, sockets and readiness. What the rest of the library OS calls. */
#ifndef LIBOS_NET_H
#define LIBOS_NET_H

#include "types.h"

struct file;
struct inode;

/* event/epoll.c: the last reference of f goes; no epoll watches it from now on. Called by vfs/file.c before release. */
void epoll_file_released(struct file *f);

/*
 * pipe/fifo.c: opens the FIFO that i names, with f->flags as open(2) got them; sets f->ops and
 * f->priv. Blocks until there is an other end, as fifo(7) says; 0, -ENXIO, -ERESTARTSYS or -ENOMEM.
 */
int fifo_open(struct inode *i, struct file *f);

/* pipe/pipe.c: F_GETPIPE_SZ and F_SETPIPE_SZ of fcntl(2); -EBADF if f is no pipe. */
long pipe_fcntl(struct file *f, u32 cmd, u64 arg);
bool file_is_pipe(const struct file *f);

/* net/sockfile.c */
bool file_is_socket(const struct file *f);

/* event/anon.c: number for the next object of pipefs, sockfs and anon_inodefs; also in "socket:[N]". */
u64 net_next_ino(void);

#endif
