/* vdso/: time calls of the guest without a trap. */
#ifndef LIBOS_VDSO_H
#define LIBOS_VDSO_H

#include "include/types.h"

/*
 * What the guest's vDSO reads on each call. It lies in the library OS's data; the vDSO finds it through
 * the pointer at VDSO_DATA_POINTER. Set at boot and at each deploy, by time/clock.c.
 */
struct vdso_data {
	u64 host_clock_gettime;  /* the host vDSO's function, or 0: then the guest's call traps */
	s64 monotonic_offset_ns; /* guest's CLOCK_MONOTONIC less the host's */
	s64 realtime_offset_ns;  /* likewise; 0 once the UC has booted */
};

/* Offset in the vDSO's page of a struct vdso_data *. */
#define VDSO_DATA_POINTER 4088

extern struct vdso_data vdso_data;
/*
 * The page that AT_SYSINFO_EHDR names, an ELF shared object. Code in it is the guest's: it runs on the
 * guest's stack. It is not preempted, nor is the host vDSO that it calls, which no snapshot holds.
 */
extern const u8 __vdso_start[], __vdso_end[];

#endif
