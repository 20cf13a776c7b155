/*
 * Who draws from the kernel's random source. The interpreter's own generators are renewed in each clone, and
 * its driver sees what the function draws from them. What other native code draws nobody but the kernel sees:
 * it is counted, so that no state that runs have drawn gets into a snapshot of them. A read of
 * /dev/seuss-draws gives the count, a u64, and has it written to the same place from then on: to look at it
 * costs a driver nothing.
 */
#include <linux/mman.h>
#include <linux/random.h>

#include "dev.h"
#include "fresh.h"
#include "include/upcalls.h"
#include "process/random.h"
#include "thread/thread.h"
#include "vfs/fs.h"

/* How far up the stack the caller of the C library is looked for. */
#define STACK_WORDS 512u
/* Shortest and longest call instruction: what lies before a return address. */
#define CALL_BYTES 7u

static u64 native_draws;
/* Where the driver has it; 0 before. */
static u64 count_addr;

enum text { TEXT_NONE, TEXT_LIBC, TEXT_OWN, TEXT_OTHER };

static bool begins(const char *name, const char *start)
{
	return !strncmp(name, start, strlen(start));
}

static bool is_program(const char *name)
{
	const char *path = exec_info.path ? exec_info.path : "", *last = path;

	for (const char *p = path; *p; p++)
		if (*p == '/')
			last = p + 1;
	return !strcmp(name, last);
}

/* Whose code is at addr. That of a JIT belongs to nobody: it calls natively only by way of others. */
static enum text text_at(u64 addr)
{
	const struct vma *v = vma_find(addr);
	const char *name;

	if (!v || addr < v->start || !(v->prot & PROT_EXEC) || !v->file || !v->file->dentry)
		return TEXT_NONE;
	name = v->file->dentry->name;
	if (begins(name, "libc.so") || begins(name, "ld-linux"))
		return TEXT_LIBC;
	return is_program(name) || begins(name, "libcrypto.so") ? TEXT_OWN : TEXT_OTHER;
}

static bool follows_call(u64 addr)
{
	u8 code[CALL_BYTES];

	if (copy_from_user(code, addr - CALL_BYTES, sizeof code))
		return false;
	/* call rel32, or an indirect one of 2 to 7 bytes. */
	if (code[2] == 0xe8)
		return true;
	for (u32 i = 0; i + 2 <= CALL_BYTES; i++)
		if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
			return true;
	return false;
}

static enum text caller(void)
{
	const struct trapframe *tf = current->tf;
	enum text at = text_at(tf->rip);

	for (u64 i = 0; i < STACK_WORDS && (at == TEXT_NONE || at == TEXT_LIBC); i++) {
		u64 word;

		if (copy_from_user(&word, tf->rsp + i * sizeof word, sizeof word))
			break;
		at = text_at(word);
		if ((at == TEXT_OWN || at == TEXT_OTHER) && !follows_call(word))
			at = TEXT_NONE;
	}
	return at;
}

void draws_note(void)
{
	native_draws++;
	/* What the guest has unmapped since is its own loss. */
	if (count_addr)
		(void)copy_to_user(count_addr, &native_draws, sizeof native_draws);
}

void draws_note_call(u32 flags)
{
	/* For what needs no secret: hash tables of Rust's library, for one. */
	if (flags & GRND_INSECURE)
		return;
	if (caller() != TEXT_OWN)
		draws_note();
}

static ssize_t draws_read(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)pos;
	/* One place, in the guest's own memory. */
	if (u->kernel || u->count != 1 || u->skip || u->left != sizeof native_draws)
		return -EINVAL;
	if (copy_to_user((u64)u->iov->iov_base, &native_draws, sizeof native_draws))
		return -EFAULT;
	count_addr = (u64)u->iov->iov_base;
	return (ssize_t)sizeof native_draws;
}

const struct file_ops draws_file_ops = {
	.read = draws_read,
};
