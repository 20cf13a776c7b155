/* What the system calls of files share. */
#ifndef LIBOS_FS_CALLS_CALLS_H
#define LIBOS_FS_CALLS_CALLS_H

#include "sys/calls.h"
#include "vfs/fs.h"

/* call_name.c: 0, or -EPERM where a sticky directory keeps i from the guest. */
int may_remove_from(const struct inode *dir, const struct inode *i);

#endif
