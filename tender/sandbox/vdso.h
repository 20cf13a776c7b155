/* The host's vDSO, moved into the UC's address range. */
#ifndef TENDER_VDSO_H
#define TENDER_VDSO_H

#include <stdint.h>

/* Address of __vdso_clock_gettime once the vDSO has been moved; 0 if this host has none. */
uint64_t vdso_clock_gettime_moved(void);

/*
 * Moves vDSO and data pages to UC_VDSO_BASE; the caller's libc must not read clocks afterwards. 0 or -errno.
 */
int vdso_move(void);

#endif
