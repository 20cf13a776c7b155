/*
 * The frame of a signal handler on the guest's stack, as Linux lays it out for x86-64 (struct
 * rt_sigframe), and rt_sigreturn(2), which takes it back. Programs read and change frames: V8 and Go
 * walk the registers, sanitizers the extended state behind fpstate. So the layout is a contract, and
 * everything that comes back is hostile.
 */
#include <asm/errno.h>
#include <asm/sigcontext.h>

#include "abi/layout.h"
#include "arch/arch.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "sigstate.h"
#include "sys/calls.h"

#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u

#define RED_ZONE_BYTES 128u
#define USER_CS 0x33u
#define USER_DS 0x2bu

#define FLAG_TRAP 0x100u
#define FLAG_DIRECTION 0x400u
#define FLAG_RESUME 0x10000u
/* CF, PF, AF, ZF, SF, DF, OF, AC. TF is left out: a stepping guest would step through the library OS. */
#define FLAGS_RESTORED 0x40cd5ull
#define FLAGS_FIXED 0x202ull /* bit 1 and IF are always set */

#define LEGACY_BYTES 512u /* fxsave area */
#define HEADER_BYTES 64u
#define MXCSR_OFFSET 24u
#define SW_BYTES_OFFSET 464u
#define LEGACY_FEATURES 3ull /* x87 and SSE */
#define MXCSR_VALID 0xffffu

struct kucontext {
	u64 flags;
	u64 link;
	struct kstack_t stack;
	struct sigcontext mcontext;
	sigmask_t sigmask;
};

struct rt_sigframe {
	u64 pretcode;
	struct kucontext uc;
	struct ksiginfo info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "rt_sigframe is part of the ABI");

/* Exception number as the CPU would have reported it for the fault behind info. */
static u64 trap_number(const struct ksiginfo *info)
{
	switch (info->si_signo) {
	case SIGFPE:
		return 0;
	case SIGTRAP:
		return 3;
	case SIGILL:
		return 6;
	case SIGSEGV:
		return info->si_code == SI_KERNEL ? 13 : 14;
	default:
		return 14;
	}
}

static void fill_mcontext(struct sigcontext *c, const struct ksiginfo *info)
{
	const struct trapframe *tf = current->tf;

	*c = (struct sigcontext){
		.r8 = tf->r8,
		.r9 = tf->r9,
		.r10 = tf->r10,
		.r11 = tf->r11,
		.r12 = tf->r12,
		.r13 = tf->r13,
		.r14 = tf->r14,
		.r15 = tf->r15,
		.rdi = tf->rdi,
		.rsi = tf->rsi,
		.rbp = tf->rbp,
		.rbx = tf->rbx,
		.rdx = tf->rdx,
		.rax = tf->rax,
		.rcx = tf->rcx,
		.rsp = tf->rsp,
		.rip = tf->rip,
		.eflags = tf->rflags,
		.cs = USER_CS,
		.ss = USER_DS,
		.oldmask = current->sig_mask,
	};
	if (info->si_code > 0 && (SIG_SYNCHRONOUS & SIGBIT(info->si_signo))) {
		c->trapno = trap_number(info);
		c->cr2 = c->trapno == 14 ? info->u.fault.addr : 0;
	}
}

/* Writes the extended state at address at, framed by the words that tell its size. */
static int push_xstate(u64 at)
{
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = arch_xstate_bytes + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = arch_xstate_mask,
		.xstate_size = arch_xstate_bytes,
	};

	arch_xstate_save(current);
	if (copy_to_user(at, current->xstate, arch_xstate_bytes) ||
	    copy_to_user(at + SW_BYTES_OFFSET, &sw, sizeof(sw)) ||
	    put_user_u32(at + arch_xstate_bytes, FP_XSTATE_MAGIC2))
		return -EFAULT;
	return 0;
}

/* Top of the stack for the frame, 0 if it is an alternate stack that is too full. */
static u64 frame_stack(const struct ksigaction *sa, u64 bytes)
{
	const struct sig_altstack *alt = &current->sig_altstack;
	u64 sp = current->tf->rsp;
	bool nested = sigaltstack_contains(current, sp);

	if ((sa->flags & SA_ONSTACK) && alt->bytes && !nested) {
		sp = alt->sp + alt->bytes;
		nested = true;
	} else {
		sp -= RED_ZONE_BYTES;
	}
	if (nested && sp - bytes <= alt->sp)
		return 0;
	return sp;
}

int sigframe_push(const struct ksigaction *sa, const struct ksiginfo *info, sigmask_t mask)
{
	struct trapframe *tf = current->tf;
	u64 bytes = arch_xstate_bytes + FP_XSTATE_MAGIC2_SIZE + sizeof(struct rt_sigframe) + 64 + 16;
	u64 sp = frame_stack(sa, bytes);

	if (sp < bytes || !(sa->flags & SA_RESTORER))
		return -EFAULT;
	u64 xstate = (sp - arch_xstate_bytes - FP_XSTATE_MAGIC2_SIZE) & ~63ull;
	u64 at = ((xstate - sizeof(struct rt_sigframe)) & ~15ull) - 8;
	struct rt_sigframe frame = {
		.pretcode = sa->restorer,
		.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		.uc.stack = sigaltstack_get(current),
		.uc.sigmask = mask,
		.info = *info,
	};
	fill_mcontext(&frame.uc.mcontext, info);
	frame.uc.mcontext.fpstate = (void *)xstate;
	if (push_xstate(xstate) || copy_to_user(at, &frame, sizeof(frame)))
		return -EFAULT;

	tf->rdi = (u64)info->si_signo;
	tf->rsi = at + offsetof(struct rt_sigframe, info);
	tf->rdx = at + offsetof(struct rt_sigframe, uc);
	tf->rax = 0;
	tf->rip = sa->handler;
	tf->rsp = at;
	tf->rflags &= ~(u64)(FLAG_TRAP | FLAG_DIRECTION | FLAG_RESUME);
	current->fast_return = false;
	arch_xstate_reset(current); /* a handler starts with the initial state */
	return 0;
}

/* Makes what the guest wrote fit for xrstor: only features we have, no reserved bits. */
static void sanitise_xstate(u8 *x)
{
	u64 *header = (u64 *)(x + LEGACY_BYTES);

	header[0] &= arch_xstate_mask;
	memset(header + 1, 0, HEADER_BYTES - sizeof(*header));
	*(u32 *)(x + MXCSR_OFFSET) &= MXCSR_VALID;
}

/* Loads the extended state at guest address at; without our magic words only x87 and SSE. */
static int pop_xstate(u64 at)
{
	u8 *x = current->xstate;
	struct _fpx_sw_bytes sw;
	u32 magic2 = 0;

	if (!at) {
		arch_xstate_reset(current);
		return 0;
	}
	if (copy_from_user(&sw, at + SW_BYTES_OFFSET, sizeof(sw)))
		return -EFAULT;
	bool extended = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == arch_xstate_bytes &&
			sw.extended_size == arch_xstate_bytes + FP_XSTATE_MAGIC2_SIZE &&
			!get_user_u32(&magic2, at + arch_xstate_bytes) && magic2 == FP_XSTATE_MAGIC2;
	arch_xstate_reset(current); /* also discards what the CPU holds */
	if (copy_from_user(x, at, extended ? arch_xstate_bytes : LEGACY_BYTES)) {
		arch_xstate_reset(current);
		return -EFAULT;
	}
	u64 *features = (u64 *)(x + LEGACY_BYTES);
	*features = extended ? *features & sw.xfeatures : LEGACY_FEATURES;
	sanitise_xstate(x);
	return 0;
}

static bool pop_registers(const struct sigcontext *c)
{
	struct trapframe *tf = current->tf;

	if (c->rip >= UC_GUEST_END)
		return false;
	tf->r8 = c->r8, tf->r9 = c->r9, tf->r10 = c->r10, tf->r11 = c->r11;
	tf->r12 = c->r12, tf->r13 = c->r13, tf->r14 = c->r14, tf->r15 = c->r15;
	tf->rdi = c->rdi, tf->rsi = c->rsi, tf->rbp = c->rbp, tf->rbx = c->rbx;
	tf->rdx = c->rdx, tf->rax = c->rax, tf->rcx = c->rcx, tf->rsp = c->rsp;
	tf->rip = arch_patch_resume(c->rip);
	tf->rflags = (c->eflags & FLAGS_RESTORED) | FLAGS_FIXED;
	tf->cs = USER_CS;
	tf->ss = USER_DS;
	tf->orig_rax = ~0ull;
	current->fast_return = false;
	return true;
}

/* rt_sigreturn(2): the frame lies just below the stack pointer, its return address popped. */
long sys_rt_sigreturn(const u64 a[6])
{
	struct kucontext uc;
	u64 at = current->tf->rsp - sizeof(u64);

	(void)a;
	if (copy_from_user(&uc, at + offsetof(struct rt_sigframe, uc), sizeof(uc)))
		goto bad;
	signal_set_mask(uc.sigmask);
	if (!pop_registers(&uc.mcontext) || pop_xstate((u64)uc.mcontext.fpstate))
		goto bad;
	/* As Linux, an alternate stack that cannot be restored is no error. */
	sigaltstack_set(current, &uc.stack, current->tf->rsp);
	return -ESYSRETURNED;
bad:
	signal_force(&(struct ksiginfo){ .si_signo = SIGSEGV, .si_code = SI_KERNEL });
	return -ESYSRETURNED;
}
