/* boot/elf.c, boot/stack.c: the guest's program. */
#ifndef LIBOS_ELF_H
#define LIBOS_ELF_H

#include "include/types.h"

struct trapframe;

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
