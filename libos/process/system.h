/* process/sysinfo.c: what uname(2), sysinfo(2) and the files of /proc agree on. */
#ifndef LIBOS_SYSTEM_H
#define LIBOS_SYSTEM_H

#include "include/types.h"

#define SYSTEM_NODENAME "seuss"
#define SYSTEM_RELEASE "6.1.0-seuss" /* the Linux whose behaviour is the model */
#define SYSTEM_VERSION "#1 SMP PREEMPT_DYNAMIC Seuss"

u64 system_memory_bytes(void); /* the UC's limit */
u64 system_free_bytes(void);

#endif
