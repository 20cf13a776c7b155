/* arch/: entry from and return to the guest, context switch, patching of syscall sites. x86-64 only. */
#ifndef LIBOS_ARCH_H
#define LIBOS_ARCH_H

#include "thread.h"

/* entry.S: switches kernel stacks; *save gets the old stack pointer. Guest state is the caller's to save. */
void arch_switch(u64 *save, u64 load);
/* First kernel context of a new thread: returns to the guest through its trapframe. */
void arch_thread_start(void);

/* xstate.c */
extern u32 arch_xstate_bytes; /* size of the area that xsave writes with arch_xstate_mask */
extern u64 arch_xstate_mask;
void arch_xstate_init(void);
/* Makes t->xstate hold the guest's extended state, if the CPU still does. t is current. */
void arch_xstate_save(struct thread *t);
/* Fills t->xstate with the initial state and marks it saved. */
void arch_xstate_reset(struct thread *t);

/* patch.c: rip is the address after a syscall instruction that trapped. */
void arch_patch_site(u64 rip);

static inline u64 arch_fs_base(void)
{
	u64 v;
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static inline void arch_set_fs_base(u64 v)
{
	__asm__ volatile("wrfsbase %0" ::"r"(v));
}

static inline u64 arch_gs_base(void)
{
	u64 v;
	__asm__ volatile("rdgsbase %0" : "=r"(v));
	return v;
}

static inline void arch_set_gs_base(u64 v)
{
	__asm__ volatile("wrgsbase %0" ::"r"(v));
}

/* usercopy.S: addresses of the instructions that may fault and where to go then. */
struct fault_fixup {
	u64 begin, end, target;
};
extern const struct fault_fixup fault_fixups[];
extern const u64 fault_fixup_count;

#endif
