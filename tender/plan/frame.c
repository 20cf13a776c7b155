#include "plan/frame.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "abi/layout.h"
#include "base/base.h"

/* arch/x86/include/uapi/asm/ucontext.h */
#define UC_FP_XSTATE 1ul
#define UC_SIGCONTEXT_SS 2ul
#define UC_STRICT_RESTORE_SS 4ul

/* 64-bit user mode: arch/x86/include/asm/segment.h */
#define USER_CS 0x33
#define USER_SS 0x2b

#define SW_RESERVED_OFFSET 464u
#define XSAVE_HEADER_OFFSET 512u
#define XSAVE_HEADER_BYTES 64u
#define MXCSR_OFFSET 24u
#define MXCSR_KNOWN 0xffffu
/* What fpstate points to is loaded by XRSTOR, which wants this alignment. */
#define XSTATE_ALIGN 64u
#define XSTATE_OFFSET ((sizeof(ucontext_t) + XSTATE_ALIGN - 1) & ~(size_t)(XSTATE_ALIGN - 1))

static struct _fpx_sw_bytes probed;

static void on_probe(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)signal;
	(void)info;
	memcpy(&probed, (const char *)uc->uc_mcontext.fpregs + SW_RESERVED_OFFSET, sizeof probed);
}

void frame_probe(uint32_t *xstate_bytes, uint64_t *xstate_mask)
{
	struct sigaction action = { .sa_sigaction = on_probe, .sa_flags = SA_SIGINFO }, old;

	if (sigaction(SIGUSR1, &action, &old) < 0 || raise(SIGUSR1) || sigaction(SIGUSR1, &old, NULL) < 0)
		fatal(errno, "signal frame probe");
	if (probed.magic1 != FP_XSTATE_MAGIC1 || probed.xstate_size < XSAVE_HEADER_OFFSET + XSTATE_ALIGN)
		fatal(0, "this CPU has no XSAVE");
	*xstate_bytes = probed.xstate_size;
	*xstate_mask = probed.xstate_bv;
}

size_t frame_bytes(uint32_t xstate_bytes)
{
	return XSTATE_OFFSET + xstate_bytes + FP_XSTATE_MAGIC2_SIZE;
}

static void put_registers(gregset_t g, const struct user_regs_struct *r)
{
	g[REG_R8] = (greg_t)r->r8;
	g[REG_R9] = (greg_t)r->r9;
	g[REG_R10] = (greg_t)r->r10;
	g[REG_R11] = (greg_t)r->r11;
	g[REG_R12] = (greg_t)r->r12;
	g[REG_R13] = (greg_t)r->r13;
	g[REG_R14] = (greg_t)r->r14;
	g[REG_R15] = (greg_t)r->r15;
	g[REG_RDI] = (greg_t)r->rdi;
	g[REG_RSI] = (greg_t)r->rsi;
	g[REG_RBP] = (greg_t)r->rbp;
	g[REG_RBX] = (greg_t)r->rbx;
	g[REG_RDX] = (greg_t)r->rdx;
	g[REG_RAX] = (greg_t)r->rax;
	g[REG_RCX] = (greg_t)r->rcx;
	g[REG_RSP] = (greg_t)r->rsp;
	g[REG_RIP] = (greg_t)r->rip;
	g[REG_EFL] = (greg_t)r->eflags;
	g[REG_CSGSFS] = (greg_t)((r->cs & 0xffff) | (r->ss & 0xffff) << 48);
}

static void put_xstate(char *to, const struct frame_source *s)
{
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = s->xstate_bytes + FP_XSTATE_MAGIC2_SIZE,
		.xstate_bv = s->xstate_mask,
		.xstate_size = s->xstate_bytes,
	};
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	uint64_t present;

	memcpy(to, s->xstate, s->xstate_bytes);
	memcpy(to + SW_RESERVED_OFFSET, &sw, sizeof sw);
	memcpy(&present, to + XSAVE_HEADER_OFFSET, sizeof present);
	present &= s->xstate_mask;
	memcpy(to + XSAVE_HEADER_OFFSET, &present, sizeof present);
	memcpy(to + s->xstate_bytes, &magic2, sizeof magic2);
}

void frame_build(void *to, uint64_t sp, const struct frame_source *s)
{
	ucontext_t uc = {
		.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		/* The kernel sets the alternate stack again from here. */
		.uc_stack = { .ss_sp = (void *)s->altstack_base, .ss_size = s->altstack_bytes },
	};

	put_registers(uc.uc_mcontext.gregs, s->regs);
	uc.uc_mcontext.fpregs = (fpregset_t)(sp + XSTATE_OFFSET);
	memset(to, 0, XSTATE_OFFSET);
	memcpy(to, &uc, sizeof uc);
	put_xstate((char *)to + XSTATE_OFFSET, s);
}

uint64_t frame_rip(const void *frame)
{
	ucontext_t uc;

	memcpy(&uc, frame, sizeof uc);
	return (uint64_t)uc.uc_mcontext.gregs[REG_RIP];
}

/* Bits that the CPU does not know make the kernel refuse the frame, which ends the process. */
static const char *xstate_fault(const char *from, const struct frame_source *expected)
{
	uint64_t header[XSAVE_HEADER_BYTES / 8];
	struct _fpx_sw_bytes sw;
	uint32_t magic2, mxcsr;

	memcpy(&sw, from + SW_RESERVED_OFFSET, sizeof sw);
	memcpy(header, from + XSAVE_HEADER_OFFSET, sizeof header);
	memcpy(&magic2, from + expected->xstate_bytes, sizeof magic2);
	memcpy(&mxcsr, from + MXCSR_OFFSET, sizeof mxcsr);
	if (sw.magic1 != FP_XSTATE_MAGIC1 || magic2 != FP_XSTATE_MAGIC2 ||
	    sw.xstate_size != expected->xstate_bytes ||
	    sw.extended_size != expected->xstate_bytes + FP_XSTATE_MAGIC2_SIZE ||
	    sw.xstate_bv != expected->xstate_mask)
		return "its extended state is that of another CPU";
	if (header[0] & ~expected->xstate_mask || mxcsr & ~MXCSR_KNOWN)
		return "its extended state has bits that this CPU has not";
	for (size_t i = 1; i < sizeof header / sizeof header[0]; i++)
		if (header[i])
			return "its extended state is not in the standard format";
	return NULL;
}

const char *frame_fault(const void *from, uint64_t sp, const struct frame_source *expected)
{
	const greg_t *g;
	ucontext_t uc;

	memcpy(&uc, from, sizeof uc);
	g = uc.uc_mcontext.gregs;
	if (uc.uc_flags != (UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS) ||
	    (uint64_t)uc.uc_mcontext.fpregs != sp + XSTATE_OFFSET ||
	    (uint64_t)uc.uc_stack.ss_sp != expected->altstack_base ||
	    uc.uc_stack.ss_size != expected->altstack_bytes)
		return "its frame is not one of this library OS";
	if ((g[REG_CSGSFS] & 0xffff) != USER_CS || (g[REG_CSGSFS] >> 48 & 0xffff) != USER_SS)
		return "its frame is for another mode of the processor";
	if ((uint64_t)g[REG_RIP] >= UC_GUEST_END)
		return "its program counter is outside of the guest";
	return xstate_fault((const char *)from + XSTATE_OFFSET, expected);
}
