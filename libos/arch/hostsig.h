/* What the host kernel puts on the alternate stack at a signal (x86-64 ucontext_t), read by arch/trap.c. */
#ifndef LIBOS_HOSTSIG_H
#define LIBOS_HOSTSIG_H

#include "include/types.h"

struct host_mcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate; /* address of the extended state, standard format */
	u64 reserved[8];
};

struct host_ucontext {
	u64 flags, link;
	u64 stack_sp;
	u32 stack_flags, pad;
	u64 stack_bytes;
	struct host_mcontext mcontext;
	u64 sigmask;
};

#endif
