/* The seccomp filter: docs/reference/domain-interface.md in code. */
#ifndef TENDER_FILTER_H
#define TENDER_FILTER_H

#include <stdint.h>

/*
 * Locks the calling process and its children to the domain interface: host calls only from
 * code in [hostcall_start, hostcall_end], everything else of the address space below
 * UC_GUEST_END gets SIGSYS. Needs no_new_privs or CAP_SYS_ADMIN. 0 or -errno.
 */
int filter_install(uint64_t hostcall_start, uint64_t hostcall_end);

#endif
