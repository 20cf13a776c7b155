/* The devices of a UC: its console, and those of the node's own. */
#ifndef LIBOS_FS_DEV_DEV_H
#define LIBOS_FS_DEV_DEV_H

#include "include/file.h"

#define SEUSS_MAJOR 10u
#define SEUSS_MINOR 250u
#define FRESH_MINOR 251u
#define DRAWS_MINOR 252u
extern const struct file_ops seuss_file_ops;
extern const struct file_ops fresh_file_ops;
extern const struct file_ops draws_file_ops;
/* seuss_dev.c: sends what u holds as frames of one type. */
ssize_t link_write(u16 type, struct uio *u);
struct link_stream;
/* seuss_dev.c: moves up to size bytes of what has come to u; -ENOMEM, -EFAULT. */
ssize_t link_read(struct link_stream *s, struct uio *u, u64 size);
/* console.c: fds 0, 1, 2. */
void console_install(void);

#endif
