/* Prototypes of all system calls: a call that no list names does not compile. */
#ifndef LIBOS_SYS_CALLS_H
#define LIBOS_SYS_CALLS_H

#include "include/syscall.h"
#include "include/types.h"

#define CALL(name) long sys_##name(const u64 a[6]);
#include "calls_fs.h"
#include "calls_kernel.h"
#include "calls_mm.h"
#include "calls_net.h"
#undef CALL

#endif
