/*
 * Host signals: the guest's system calls (SIGSYS), its faults, and the preemption alarm.
 * The handler runs on the alternate stack; what came from the guest is moved to the
 * current thread's kernel stack, so that the thread can block there.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>

#include "abi/layout.h"
#include "abi/libos.h"
#include "arch.h"
#include "host/host.h"
#include "host/link.h"
#include "hostsig.h"
#include "include/syscall.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "thread/sched.h"
#include "vdso/vdso.h"

#define SIGILL 4
#define SIGALRM 14
#define SIGSYS 31
#define AUDIT_ARCH_X86_64 0xc000003eu

extern void embryo_entry(void);
extern void reset_entry(void);
extern const u8 altstack_probed[];
extern void signal_restorer(void);
extern const u8 __hostcall_start[], __hostcall_end[], __clock_start[], __libos_end[], __text_end[];
noreturn_fn void arch_enter(void (*fn)(void));

__attribute__((section(".header"), used)) const struct libos_header libos_header = {
	.magic = LIBOS_MAGIC,
	.version = LIBOS_VERSION,
	.link_version = LINK_VERSION,
	.embryo_entry = (u64)embryo_entry,
	.reset_entry = (u64)reset_entry,
	.signal_entry = (u64)trap_signal,
	.signal_restorer = (u64)signal_restorer,
	.altstack_base = (u64)arch_altstack,
	.altstack_bytes = ARCH_ALTSTACK_BYTES,
	.hostcall_start = (u64)__hostcall_start,
	.hostcall_end = (u64)__hostcall_end,
	.trapframe_end = (u64)&arch_trapframe_end,
	.clock_start = (u64)__clock_start,
	.clock_end = (u64)__vdso_end,
	.driver_in_bytes = (u64)&link_driver_in.bytes,
	.image_end = (u64)__libos_end,
};

u8 arch_altstack[ARCH_ALTSTACK_BYTES] __attribute__((aligned(4096)));
u64 arch_trapframe_end;

static struct {
	int signo;
	struct ksiginfo info;
} trapped;

/* Library OS code and stacks; the guest's vDSO lies in the same image but is guest code. */
static bool in_kernel(const struct host_mcontext *r)
{
	if (r->rsp >= UC_LIBOS_BASE && r->rsp < UC_LIBOS_END)
		return true;
	if (r->rip >= (u64)__vdso_start && r->rip < (u64)__vdso_end)
		return false;
	return r->rip >= UC_LIBOS_BASE && r->rip < (u64)__text_end;
}

static void kernel_trap(int signo, const struct ksiginfo *info, struct host_mcontext *r)
{
	if (signo == SIGALRM) {
		sched_alarm_in_kernel();
		return;
	}
	for (u64 i = 0; i < fault_fixup_count; i++) {
		if (r->rip >= fault_fixups[i].begin && r->rip < fault_fixups[i].end) {
			r->rip = fault_fixups[i].target;
			return;
		}
	}
	panic("signal %d in the library OS at %#lx, address %#lx, stack %#lx", signo, r->rip,
	      info->u.fault.addr, r->rsp);
}

/*
 * The guest's vDSO, and the host's, which it and the library OS call. No thread is switched in them: the next
 * deploy has another host vDSO, and what has been read of the host's clock there has to be made the guest's
 * first. A clock that the host's cannot read makes it fall back to a system call, which is then made for it,
 * once.
 */
static bool vdso_trap(int signo, struct host_mcontext *r)
{
	bool host = r->rip >= UC_VDSO_BASE && r->rip < UC_VDSO_END;

	if (!host && (r->rip < (u64)__vdso_start || r->rip >= (u64)__vdso_end))
		return false;
	if (signo == SIGALRM) {
		sched_alarm_in_kernel();
		return true;
	}
	if (!host)
		return false;
	if (signo != SIGSYS || r->rax != __NR_clock_gettime)
		return false;
	vdso_data.host_clock_gettime = 0;
	r->rax = (u64)host_syscall(__NR_clock_gettime, r->rdi, r->rsi, 0, 0, 0, 0);
	return true;
}

static void save_guest(const struct host_mcontext *r)
{
	struct trapframe *tf = current->tf;

	tf->r8 = r->r8, tf->r9 = r->r9, tf->r10 = r->r10, tf->r11 = r->r11;
	tf->r12 = r->r12, tf->r13 = r->r13, tf->r14 = r->r14, tf->r15 = r->r15;
	tf->rdi = r->rdi, tf->rsi = r->rsi, tf->rbp = r->rbp, tf->rbx = r->rbx;
	tf->rdx = r->rdx, tf->rax = r->rax, tf->rcx = r->rcx, tf->rsp = r->rsp;
	tf->rip = r->rip, tf->rflags = r->rflags, tf->cs = 0x33, tf->ss = 0x2b;
	tf->orig_rax = ~0ull;
	memcpy(current->xstate, (const void *)r->fpstate, arch_xstate_bytes);
	current->xstate_saved = true;
	current->fast_return = false;
}

static void handle_guest_trap(void)
{
	struct trapframe *tf = current->tf;

	switch (trapped.signo) {
	case SIGSYS:
		/* The seccomp part of siginfo: call address, then number and architecture. */
		if ((u32)(trapped.info.u.rt.value >> 32) != AUDIT_ARCH_X86_64) {
			tf->rax = (u64)-ENOSYS;
			return;
		}
		current->sig_syscall_rip = tf->rip - 2;
		arch_patch_consider(tf->rip);
		syscall_dispatch();
		return;
	case SIGALRM:
		sched_tick();
		return;
	case SIGILL: {
		u64 again = arch_patch_lookup(tf->rip);
		if (again) {
			tf->rip = again;
			return;
		}
		signal_force(&trapped.info);
		return;
	}
	default:
		signal_force(&trapped.info);
	}
}

/* Answers arch_altstack_is_set: the frame holds what the host has as alternate stack. */
static bool altstack_probe(struct host_ucontext *uc)
{
	if (uc->mcontext.rip != (u64)altstack_probed)
		return false;
	uc->mcontext.rax = uc->stack_sp == (u64)arch_altstack && uc->stack_bytes == ARCH_ALTSTACK_BYTES &&
			   !uc->stack_flags;
	return true;
}

/* The handler named in struct libos_header. */
void trap_signal(int signo, const struct ksiginfo *info, struct host_ucontext *uc)
{
	if (vdso_trap(signo, &uc->mcontext))
		return;
	if (in_kernel(&uc->mcontext)) {
		if (altstack_probe(uc))
			return;
		kernel_trap(signo, info, &uc->mcontext);
		return;
	}
	save_guest(&uc->mcontext);
	trapped.signo = signo;
	trapped.info = *info;
	arch_enter(handle_guest_trap);
}

/* From arch_patched_entry, on the kernel stack. */
void trap_patched_syscall(const struct patch_site *site)
{
	current->sig_syscall_rip = site->restart;
	current->fast_return = true;
	syscall_dispatch();
}
