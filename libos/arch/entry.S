/*
 * Entry from the guest at a patched syscall site, return to the guest, and the switch
 * between kernel stacks. struct trapframe (thread/thread.h) is built and consumed here.
 */
	.text

	.macro push_registers
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

/*
 * Reached by a jump from a trampoline of arch/patch.c. rcx: its struct patch_site; rax and the
 * argument registers as for syscall; r11 is free. The guest's stack is not touched: its
 * red zone is in use.
 */
	.globl arch_patched_entry
	.type arch_patched_entry, @function
arch_patched_entry:
	movq %rsp, %r11
	movq arch_trapframe_end(%rip), %rsp
	pushq $0x2b
	pushq %r11
	pushfq
	pushq $0x33
	pushq (%rcx)                /* patch_site.resume */
	pushq %rax
	push_registers
	cld
	movq %rcx, %rdi
	call trap_patched_syscall
	/* fall through */

/* The stack pointer is at current->tf. eax: what return_to_guest says. */
	.globl arch_return
arch_return:
	call return_to_guest
	testl %eax, %eax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	jz 1f
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	addq $8, %rsp
	iretq
1:	/* After a patched syscall: rcx and r11 are free, as after a real one. */
	popq %rax
	addq $8, %rsp
	popq %rdx
	popq %rsi
	popq %rdi
	addq $8, %rsp
	popq %rcx                   /* rip */
	addq $8, %rsp
	popfq
	movq (%rsp), %rsp
	jmp *%rcx

/* noreturn arch_enter_guest(void) */
	.globl arch_enter_guest
	.type arch_enter_guest, @function
arch_enter_guest:
	movq arch_trapframe_end(%rip), %rsp
	subq $168, %rsp             /* sizeof(struct trapframe) */
	jmp arch_return

/* First kernel context of a thread made by thread_create. */
	.globl arch_thread_start
	.type arch_thread_start, @function
arch_thread_start:
	jmp arch_return

/* void arch_switch(u64 *save, u64 load) */
	.globl arch_switch
	.type arch_switch, @function
arch_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* noreturn arch_call_on(u64 stack, void (*fn)(void *), void *arg): leaves the present stack for good */
	.globl arch_call_on
	.type arch_call_on, @function
arch_call_on:
	movq %rdi, %rsp
	movq %rdx, %rdi
	call *%rsi
	ud2

/*
 * noreturn arch_enter(void (*fn)(void)): fn handles the trap on current's kernel stack, then back to the
 * guest
 */
	.globl arch_enter
	.type arch_enter, @function
arch_enter:
	movq arch_trapframe_end(%rip), %rsp
	subq $168, %rsp             /* sizeof(struct trapframe) */
	call *%rdi
	jmp arch_return

/* Where an embryo starts: its stack pointer is at UC_SCRATCH_END. */
	.globl embryo_entry
	.type embryo_entry, @function
embryo_entry:
	xorl %ebp, %ebp
	call embryo_main
	ud2

/* Where a UC goes on that is reset: its stack pointer is at the end of the alternate stack. */
	.globl reset_entry
	.type reset_entry, @function
reset_entry:
	pushq $2                    /* of the flags, ptrace(2) does not set all that a guest can */
	popfq
	xorl %ebp, %ebp
	call reset_main
	ud2

/* bool arch_altstack_is_set(void): a call that is made from here traps, and the handler has a look */
	.globl arch_altstack_is_set
	.type arch_altstack_is_set, @function
arch_altstack_is_set:
	movl $39, %eax              /* getpid: any would do */
	syscall
	.globl altstack_probed
altstack_probed:
	ret

	.section .note.GNU-stack, "", @progbits
