/*
 * Patching of hot syscall sites, so that they jump to the library OS without a signal.
 *
 * A site is replaced by a 7-byte jump through an absolute 32-bit address, in two shapes:
 *   b8 imm32 0f 05           mov $nr,%eax; syscall       (7 bytes)
 *   0f 05 48 3d imm32        syscall; cmp $imm,%rax      (8 bytes)
 * The slot of the jump lies at 0x0006xxxx. So the bytes where the first shape had its syscall
 * become 06 00, which is no instruction: a guest that jumps there gets SIGILL, and
 * arch_patch_lookup sends it on. The second shape is patched only if no relative
 * jump nearby leads to its cmp.
 */
#include <linux/mman.h>

#include "abi/layout.h"
#include "arch.h"
#include "host/host.h"
#include "lib/string.h"
#include "mm/mm.h"

#define SLOTS_BASE 0x00060000ul
#define SLOTS_END 0x00070000ul
#define SITES_MAX ((UC_TRAMPOLINE_END - UC_TRAMPOLINE_BASE) / sizeof(struct trampoline))
#define HOT_AFTER 4 /* traps of one site before it is patched */
#define COUNTERS 256
#define JUMP_BYTES 7
#define NEAR_JUMP_REACH 4096 /* how far around a site relative jumps are looked for */

struct trampoline {
	struct patch_site info;
	u8 code[40];
};
_Static_assert(sizeof(struct trampoline) == UC_TRAMPOLINE_BYTES &&
		       __builtin_offsetof(struct trampoline, info.site) == 16,
	       "the tender looks for the site there");

extern void arch_patched_entry(void);

static u32 site_count;
static bool mapped;
/* Trap counts by hash of the address; a clash only delays or hastens a patch. */
static u8 heat[COUNTERS];

static bool map_region(void)
{
	if (!mapped)
		mapped = host_mmap(SLOTS_BASE, UC_TRAMPOLINE_END - SLOTS_BASE,
				   PROT_READ | PROT_WRITE | PROT_EXEC, 0, -1, 0) >= 0;
	return mapped;
}

static struct trampoline *trampoline_at(u32 i)
{
	return (struct trampoline *)UC_TRAMPOLINE_BASE + i;
}

static u8 *emit(u8 *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static u8 *emit_load_rcx(u8 *p, u64 value)
{
	return emit(emit(p, "\x48\xb9", 2), &value, 8);
}

/* mov $entry,%r11d; jmp *%r11: the library OS lies below 2 GiB */
static u8 *emit_enter(u8 *p)
{
	u32 entry = (u32)(u64)arch_patched_entry;

	p = emit(emit(p, "\x41\xbb", 2), &entry, 4);
	return emit(p, "\x41\xff\xe3", 3);
}

/* The instruction bytes `length` before `at` are in one executable, unwritable file mapping. */
static struct vma *patchable(u64 at, u64 length)
{
	struct vma *v = vma_find(at);

	if (!v || v->start > at || v->end < at + length)
		return NULL;
	if (!v->file || (v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != (PROT_READ | PROT_EXEC))
		return NULL;
	return v;
}

static bool jump_leads_to(const struct vma *v, u64 target)
{
	u64 from = MAX(v->start, target - NEAR_JUMP_REACH), to = MIN(v->end - 6, target + NEAR_JUMP_REACH);

	for (u64 a = from; a < to; a++) {
		const u8 *p = (const u8 *)a;
		bool short_jump = p[0] == 0xeb || (p[0] & 0xf0) == 0x70 || (p[0] & 0xfc) == 0xe0;
		if (short_jump && a + 2 + (u64)(s64)(s8)p[1] == target)
			return true;
		s32 rel;
		memcpy(&rel, p + 1, 4);
		if ((p[0] == 0xe9 || p[0] == 0xe8) && a + 5 + (u64)(s64)rel == target)
			return true;
		memcpy(&rel, p + 2, 4);
		if (p[0] == 0x0f && (p[1] & 0xf0) == 0x80 && a + 6 + (u64)(s64)rel == target)
			return true;
	}
	return false;
}

/* Replaces the bytes at site by a jump through slot i, padded with nop to length. */
static bool write_jump(u64 site, u64 length, u32 i, int prot)
{
	u64 first = PAGE_DOWN(site), bytes = PAGE_UP(site + length) - first;

	if (host_mprotect(first, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return false;
	u32 slot = (u32)(SLOTS_BASE + i * sizeof(u64));
	u8 jump[8] = { 0xff, 0x24, 0x25, 0, 0, 0, 0, 0x90 };
	memcpy(jump + 3, &slot, 4);
	memcpy((void *)site, jump, length);
	return host_mprotect(first, bytes, prot) >= 0;
}

static bool install(u64 site, u64 length, u32 i, const u8 *code, int prot)
{
	*(u64 *)(SLOTS_BASE + i * sizeof(u64)) = (u64)code;
	if (!write_jump(site, length, i, prot))
		return false;
	site_count++;
	return true;
}

static bool patch_mov(u64 rip, struct trampoline *t)
{
	const u8 *b = (const u8 *)rip - JUMP_BYTES;
	struct vma *v = patchable((u64)b, JUMP_BYTES);

	if (!v || b[0] != 0xb8)
		return false;
	u8 *p = emit(t->code, b, 5);
	t->info = (struct patch_site){ .resume = rip, .restart = (u64)p, .site = (u64)b };
	emit_enter(emit_load_rcx(p, (u64)&t->info));
	return install((u64)b, JUMP_BYTES, site_count, t->code, (int)v->prot);
}

/* Threads whose calls trapped at the site, the present one among them, come back to where its cmp was. */
static void move_returning(u64 rip, u64 to)
{
	list_for_each(n, &threads) {
		struct thread *t = list_entry(n, struct thread, all);
		if (t->tf->rip == rip)
			t->tf->rip = to;
	}
}

static bool patch_cmp(u64 rip, struct trampoline *t)
{
	const u8 *b = (const u8 *)rip - 2;
	struct vma *v = patchable((u64)b, JUMP_BYTES + 1);

	if (!v || b[2] != 0x48 || b[3] != 0x3d || jump_leads_to(v, rip))
		return false;
	u8 *after = emit_enter(emit_load_rcx(t->code, (u64)&t->info));
	u8 *p = emit(after, b + 2, 6);
	u64 back = rip + 6;
	emit(emit(p, "\xff\x25\0\0\0\0", 6), &back, 8);
	t->info = (struct patch_site){ .resume = (u64)after, .restart = (u64)t->code, .site = (u64)b };
	if (!install((u64)b, JUMP_BYTES + 1, site_count, t->code, (int)v->prot))
		return false;
	move_returning(rip, (u64)after);
	return true;
}

void arch_patch_consider(u64 rip)
{
	u8 *count = &heat[(rip ^ (rip >> 8)) % COUNTERS];

	if (++*count < HOT_AFTER)
		return;
	*count = 0;
	if (site_count >= SITES_MAX || site_count >= (SLOTS_END - SLOTS_BASE) / sizeof(u64) || !map_region())
		return;
	struct trampoline *t = trampoline_at(site_count);
	if (!patch_mov(rip, t))
		patch_cmp(rip, t);
}

u64 arch_patch_lookup(u64 rip)
{
	for (u32 i = 0; i < site_count; i++) {
		const struct patch_site *s = &trampoline_at(i)->info;
		if (s->site + 5 == rip)
			return s->restart;
	}
	return 0;
}

u64 arch_patch_resume(u64 rip)
{
	for (u32 i = 0; i < site_count; i++) {
		const struct patch_site *s = &trampoline_at(i)->info;
		bool cmp_moved = s->resume >= UC_TRAMPOLINE_BASE && s->resume < UC_TRAMPOLINE_END;
		if (cmp_moved && s->site + 2 == rip)
			return s->resume;
	}
	return rip;
}
