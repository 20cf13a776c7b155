/* The table of the guest's system calls. Each area lists its calls in sys/calls_AREA.h. */
#include <asm/unistd_64.h>

#include "calls.h"
#include "table.h"

#define CALL(name) [__NR_##name] = sys_##name,
const syscall_fn syscall_table[SYSCALL_MAX] = {
#include "calls_fs.h"
#include "calls_kernel.h"
#include "calls_mm.h"
#include "calls_net.h"
};
