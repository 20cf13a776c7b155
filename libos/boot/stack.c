/* The first stack: strings, auxiliary vector, environment, arguments, as the x86-64 ABI lays them out. */
#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/mman.h>

#include "arch/arch.h"
#include "elf.h"
#include "image.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "process/random.h"
#include "process/rlimit.h"
#include "vdso/vdso.h"

#define STRINGS_MAX (STACK_BYTES / 4) /* as Linux: argument and environment take a quarter at most */
/*
 * Below the stack. A whole multiple of a page table's reach plus this much: the stack's top, the
 * part in use, shares its page table with the mappings that follow.
 */
#define GUARD_BYTES (512ul << 10)
#define AUXV_MAX 24
#define CLOCK_TICKS 100
#define HWCAP2_FSGSBASE 2
/* A signal frame without its extended state, with room to align it. */
#define SIGFRAME_BYTES 1024
#define PLATFORM "x86_64"
#define STACK_NAME "[stack]"
#define AT_RANDOM_BYTES 16

/* The part of the stack that is being written, downwards. */
struct cursor {
	u64 at;
	int error;
};

static u64 push(struct cursor *k, const void *data, u64 bytes)
{
	k->at -= bytes;
	if (!k->error)
		k->error = copy_to_user(k->at, data, bytes);
	return k->at;
}

static u64 push_string(struct cursor *k, const char *s)
{
	return push(k, s, strlen(s) + 1);
}

static u32 cpu_features(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return edx;
}

struct auxv {
	u64 entries[AUXV_MAX][2];
	u32 count;
};

static void aux(struct auxv *v, u64 type, u64 value)
{
	v->entries[v->count][0] = type;
	v->entries[v->count++][1] = value;
}

/* Those that do not point into the stack. */
static void describe_program(struct auxv *v, const struct stack_content *c)
{
	const struct elf_image *p = c->program;

	aux(v, AT_SYSINFO_EHDR, (u64)__vdso_start);
	aux(v, AT_MINSIGSTKSZ, ALIGN_UP(SIGFRAME_BYTES + arch_xstate_bytes, 64));
	aux(v, AT_HWCAP, cpu_features());
	aux(v, AT_PAGESZ, PAGE_SIZE);
	aux(v, AT_CLKTCK, CLOCK_TICKS);
	aux(v, AT_PHDR, elf_image_headers(p));
	aux(v, AT_PHENT, sizeof(Elf64_Phdr));
	aux(v, AT_PHNUM, p->header.e_phnum);
	aux(v, AT_BASE, c->interpreter ? c->interpreter->bias : 0);
	aux(v, AT_FLAGS, 0);
	aux(v, AT_ENTRY, p->bias + p->header.e_entry);
	aux(v, AT_UID, UC_UID);
	aux(v, AT_EUID, UC_UID);
	aux(v, AT_GID, UC_GID);
	aux(v, AT_EGID, UC_GID);
	aux(v, AT_SECURE, 0);
	aux(v, AT_HWCAP2, HWCAP2_FSGSBASE);
}

/* Bytes of the strings with their NULs, or more than STRINGS_MAX. */
static u64 measure(int count, const char **strings)
{
	u64 bytes = 0;

	for (int i = 0; i < count && bytes <= STRINGS_MAX; i++)
		bytes += strlen(strings[i]) + 1 + sizeof(char *);
	return bytes;
}

/* Pushes strings, the last first, and their addresses into where. */
static void push_strings(struct cursor *k, int count, const char **strings, u64 *where, u64 *start, u64 *end)
{
	*end = k->at;
	for (int i = count; i-- > 0;)
		where[i] = push_string(k, strings[i]);
	*start = k->at;
}

/* addresses: argc, then argv and envp, each ended by a NULL. */
static long fill(u64 top, const struct stack_content *c, u64 *addresses, u64 words)
{
	struct cursor k = { .at = top };
	struct auxv v = { .count = 0 };
	u64 *argv = addresses + 1, *envp = argv + c->argc + 1, null = 0;
	u8 random[AT_RANDOM_BYTES];

	push(&k, &null, sizeof null);
	describe_program(&v, c);
	aux(&v, AT_EXECFN, push_string(&k, c->exec_path));
	push_strings(&k, c->envc, c->envp, envp, &exec_info.env_start, &exec_info.env_end);
	push_strings(&k, c->argc, c->argv, argv, &exec_info.arg_start, &exec_info.arg_end);
	aux(&v, AT_PLATFORM, push_string(&k, PLATFORM));
	random_bytes(random, sizeof random);
	exec_info.random = push(&k, random, sizeof random);
	aux(&v, AT_RANDOM, exec_info.random);
	aux(&v, AT_NULL, 0);

	/* %rsp is at argc then, and must be a multiple of 16. */
	k.at = (k.at & ~15ul) - (words & 1) * sizeof(u64);
	exec_info.auxv_end = k.at;
	exec_info.auxv_start = push(&k, v.entries, v.count * sizeof v.entries[0]);
	addresses[0] = (u64)c->argc;
	exec_info.stack_start = push(&k, addresses, words * sizeof *addresses);
	return k.error ? k.error : (long)k.at;
}

long stack_map(bool exec)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
	long guard = mm_mmap(0, STACK_BYTES + GUARD_BYTES, PROT_NONE, flags, NULL, 0), stack;

	if (guard < 0)
		return guard;
	stack = mm_mmap((u64)guard + GUARD_BYTES, STACK_BYTES, prot, flags | MAP_FIXED | MAP_GROWSDOWN, NULL,
			0);
	if (stack < 0)
		return stack;
	mm_set_name((u64)stack, STACK_NAME);
	return stack + (long)STACK_BYTES;
}

void stack_renew_random(void)
{
	const struct vma *v = vma_find(exec_info.random);
	u8 random[AT_RANDOM_BYTES];

	if (!v || exec_info.random < v->start || !v->name || strcmp(v->name, STACK_NAME))
		return;
	random_bytes(random, sizeof random);
	copy_to_user(exec_info.random, random, sizeof random);
}

long stack_fill(u64 top, const struct stack_content *c)
{
	u64 words = (u64)c->argc + (u64)c->envc + 3, *addresses;
	long sp;

	if (measure(c->argc, c->argv) + measure(c->envc, c->envp) + strlen(c->exec_path) > STRINGS_MAX)
		return -E2BIG;
	addresses = kzalloc(words * sizeof *addresses);
	if (!addresses)
		return -ENOMEM;
	sp = fill(top, c, addresses, words);
	kfree(addresses);
	return sp;
}
