/* net/: pipes, sockets and readiness. What the rest of the library OS calls. */
#ifndef LIBOS_NET_H
#define LIBOS_NET_H

#include "types.h"

struct file;

/* event/epoll.c: the last reference of f goes; no epoll watches it from now on. Called by vfs/file.c before release. */
void epoll_file_released(struct file *f);

bool file_is_pipe(const struct file *f);

#endif
