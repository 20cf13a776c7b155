/*
 * The header at the start of the library OS image (address UC_LIBOS_BASE): what the tender
 * must know of it. The zygote maps the image, installs the signal handlers and the alternate
 * stack named here, and every embryo starts at embryo_entry with its stack pointer at
 * UC_SCRATCH_END.
 */
#ifndef SEUSS_ABI_LIBOS_H
#define SEUSS_ABI_LIBOS_H

#include <stdint.h>

#define LIBOS_MAGIC 0x534f42494c535355ull
#define LIBOS_VERSION 4u

struct libos_header {
	uint64_t magic;
	uint32_t version;
	uint32_t link_version; /* LINK_VERSION, abi/link.h */
	uint64_t embryo_entry;
	/*
	 * Where a UC that is reset goes on: its stack pointer is at the end of the alternate stack, SIGALRM
	 * is blocked, and the first message on its link is LINK_DEPLOY. It trusts its text and its registers
	 * only.
	 */
	uint64_t reset_entry;
	/* Handler of SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and SIGALRM:
	   SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER, empty mask. */
	uint64_t signal_entry;
	uint64_t signal_restorer;
	uint64_t altstack_base, altstack_bytes;
	/* Bounds of the only code that may make host calls. */
	uint64_t hostcall_start, hostcall_end;
	/*
	 * Address of a word: where the registers of the current thread end that it had when it entered the
	 * library OS, in the order of an iretq frame (rip, cs, rflags, rsp, ss). 0 when nothing of the kind
	 * is kept.
	 */
	uint64_t trapframe_end;
	/*
	 * Bounds of the code, library OS's and guest's, that reads the host's clock and makes the guest's of
	 * it; the host's vDSO, which it calls, is the rest of it.
	 */
	uint64_t clock_start, clock_end;
	/*
	 * Address of a word: bytes for the reader of /dev/seuss that have been received and not read. 0: not
	 * kept.
	 */
	uint64_t driver_in_bytes;
	uint64_t image_end; /* end of bss; heap follows up to UC_LIBOS_END, mapped by the zygote,
	                       MAP_NORESERVE */
};

#endif
