/* boot/: from an embryo to a running guest. */
#ifndef LIBOS_BOOT_H
#define LIBOS_BOOT_H

#include "abi/link.h"
#include "include/types.h"

#define EMBRYO_STACK_BYTES 0x100000ul /* top of the scratch region that plans keep clear of */

/* Starts the library OS and the program of the message. */
noreturn_fn void kernel_boot(const struct link_boot *boot, u64 bytes);

#endif
