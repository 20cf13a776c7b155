/* Files without a name: eventfd, timerfd, epoll, pipes, sockets. */
#ifndef LIBOS_EVENT_ANON_H
#define LIBOS_EVENT_ANON_H

#include "thread/thread.h"
#include "vfs/vfs.h"

struct stat;

#define S_IFIFO_MODE 0010600u
#define S_IFSOCK_MODE 0140777u
#define S_ANON_MODE 0000600u

/* Number for the next object of pipefs, sockfs and anon_inodefs; also in "socket:[N]". */
u64 anon_next_ino(void);
/* Fills st for an object of mode with inode number ino; returns 0. */
int anon_stat(struct stat *st, u32 mode, u64 ino);
/*
 * An open file over priv at the lowest descriptor: that, -EMFILE or -ENOMEM (then priv is still the
 * caller's).
 */
int anon_install(const struct file_ops *ops, u32 flags, void *priv, bool cloexec);
/* Waits on q for a blocking read or write: 0 look again, -EAGAIN when nonblock, -ERESTARTSYS. */
int anon_wait(struct waitq *q, bool nonblock);

#endif
