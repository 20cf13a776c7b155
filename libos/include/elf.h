/* boot/elf.c, boot/stack.c: the guest's program. */
#ifndef LIBOS_ELF_H
#define LIBOS_ELF_H

#include "types.h"

struct trapframe;

/* As RLIMIT_STACK of the guest. */
#define STACK_BYTES (8ul << 20)

/*
 * What /proc/self tells of the program, in exec_info of upcalls.h. Addresses of the guest, each range
 * without what follows its last NUL.
 */
struct exec_info {
	char *path; /* of the ELF file that runs, for /proc/self/exe */
	u64 arg_start, arg_end; /* the argument strings */
	u64 env_start, env_end;
	u64 auxv_start, auxv_end;
	u64 stack_start; /* %rsp at entry */
	u64 random;      /* the 16 bytes of AT_RANDOM */
};

/*
 * execve(2) into the empty address space of a booting UC: maps the program (or, for a script, its
 * interpreter) and its ELF interpreter, builds the stack, and makes *tf its first registers. 0, or what
 * execve(2) fails with; -ENOEXEC for any file that is no sound x86-64 program. After a failure past the
 * checks of the file, parts of it may stay mapped.
 */
int elf_exec(const char *path, int argc, const char **argv, int envc, const char **envp,
	     struct trapframe *tf);

/* Replaces the bytes of AT_RANDOM in a clone, if the first stack is still there. */
void stack_renew_random(void);

#endif
