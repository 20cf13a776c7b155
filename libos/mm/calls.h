/* Prototypes of the system calls of the mm area. */
#ifndef LIBOS_MM_CALLS_H
#define LIBOS_MM_CALLS_H

#include "include/syscall.h"

#define CALL(name) long sys_##name(const u64 a[6]);
#include "sys/calls_mm.h"
#undef CALL

#endif
