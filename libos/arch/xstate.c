/* Extended register state (x87, SSE, AVX, AVX-512): its size, saving and restoring. */
#include "arch.h"
#include "include/upcalls.h"
#include "lib/string.h"

/* x87, SSE, AVX, MPX excluded, AVX-512 (opmask, ZMM_Hi256, Hi16_ZMM). AMX is never enabled for a UC. */
#define XSTATE_ACCEPTED 0xe7ull

u32 arch_xstate_bytes;
u64 arch_xstate_mask;

static void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

void arch_xstate_init(void)
{
	u32 lo, hi, r[4];

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	arch_xstate_mask = (((u64)hi << 32) | lo) & XSTATE_ACCEPTED;
	arch_xstate_bytes = 576; /* legacy area and header */
	for (u32 i = 2; i < 63; i++) {
		if (!(arch_xstate_mask & (1ull << i)))
			continue;
		cpuid(0xd, i, r);
		arch_xstate_bytes = MAX(arch_xstate_bytes, r[1] + r[0]);
	}
	if (arch_xstate_bytes > XSAVE_BYTES)
		panic("extended register state of %u bytes is too large", arch_xstate_bytes);
}

void arch_xstate_save(struct thread *t)
{
	if (t->xstate_saved)
		return;
	__asm__ volatile("xsave64 (%0)" ::"r"(t->xstate), "a"((u32)arch_xstate_mask),
			 "d"((u32)(arch_xstate_mask >> 32))
			 : "memory");
	t->xstate_saved = true;
}

void arch_xstate_restore(struct thread *t)
{
	__asm__ volatile("xrstor64 (%0)" ::"r"(t->xstate), "a"((u32)arch_xstate_mask),
			 "d"((u32)(arch_xstate_mask >> 32))
			 : "memory");
	t->xstate_saved = false;
}

void arch_xstate_reset(struct thread *t)
{
	u8 *x = t->xstate;

	memset(x, 0, arch_xstate_bytes);
	*(u16 *)x = 0x37f;        /* x87 control word */
	*(u32 *)(x + 24) = 0x1f80; /* MXCSR */
	t->xstate_saved = true;
}
