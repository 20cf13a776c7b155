/* What the system calls of files share. */
#ifndef LIBOS_FS_CALLS_CALLS_H
#define LIBOS_FS_CALLS_CALLS_H

#include "sys/calls.h"
#include "vfs/fs.h"

#endif
