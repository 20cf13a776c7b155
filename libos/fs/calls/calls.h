/* Prototypes of the system calls of the file area. */
#ifndef LIBOS_FS_CALLS_CALLS_H
#define LIBOS_FS_CALLS_CALLS_H

#include "include/syscall.h"
#include "vfs/fs.h"

#define CALL(name) long sys_##name(const u64 a[6]);
#include "sys/calls_fs.h"
#undef CALL

#endif
