/*
 * The guest's system calls. Each is long sys_NAME(const u64 a[6]) and returns what Linux
 * returns (negative errno), or one of the codes of include/syscall.h. table.c lists them all.
 */
#ifndef LIBOS_SYS_TABLE_H
#define LIBOS_SYS_TABLE_H

#include "include/types.h"

typedef long (*syscall_fn)(const u64 a[6]);
#define SYSCALL_MAX 470
extern const syscall_fn syscall_table[SYSCALL_MAX];

#endif
