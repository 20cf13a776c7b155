/* arch/: entry from and return to the guest, context switch, patching of syscall sites. x86-64 only. */
#ifndef LIBOS_ARCH_H
#define LIBOS_ARCH_H

#include "thread/thread.h"

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
/* Loads the CPU from t->xstate, which must be sanitised. */
void arch_xstate_restore(struct thread *t);
/* Fills t->xstate with the initial state and marks it saved. */
void arch_xstate_reset(struct thread *t);

/* entry.S: leaves the present stack for good. */
noreturn_fn void arch_call_on(u64 stack, void (*fn)(void *), void *arg);
/* entry.S: leaves the kernel context of current for good and starts its guest registers. */
noreturn_fn void arch_enter_guest(void);
/* entry.S: where the trapframe of current ends; set at each thread switch. */
extern u64 arch_trapframe_end;

/* What a trampoline of a patched syscall site hands to arch_patched_entry, which knows the first field. */
struct patch_site {
	u64 resume;  /* guest address after the call */
	u64 restart; /* guest address that makes the call again, rax being its number */
	u64 site;    /* address of the patched instructions */
};

/* trap.c: the handler of the host's signals, named in struct libos_header. */
struct ksiginfo;
struct host_ucontext;
void trap_signal(int signo, const struct ksiginfo *info, struct host_ucontext *uc);
/* trap.c, from arch_patched_entry in entry.S, on the kernel stack. */
void trap_patched_syscall(const struct patch_site *site);

/* patch.c: rip is the address after a syscall instruction that trapped; patches it when it is hot. */
void arch_patch_consider(u64 rip);
/*
 * A guest jumped into the middle of a patched site, to the former syscall instruction: the address
 * that makes the call, or 0 if rip is no such place.
 */
u64 arch_patch_lookup(u64 rip);
/*
 * Where a call that trapped before its site was patched goes on: rip itself if nothing moved. For
 * rt_sigreturn.
 */
u64 arch_patch_resume(u64 rip);

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

/* trap.c: the alternate stack of the host's signal handlers. */
#define ARCH_ALTSTACK_BYTES 16384ul
extern u8 arch_altstack[ARCH_ALTSTACK_BYTES];
/*
 * entry.S: whether the host still has that as alternate stack, which a guest can change by rt_sigreturn(2).
 */
bool arch_altstack_is_set(void);

#endif
