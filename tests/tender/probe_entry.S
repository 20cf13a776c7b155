	.section .text.hostcall, "ax"
	/* uint64_t host_call(nr, a, b, c, d, e, f) */
	.globl host_call
host_call:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	ret
	.globl signal_restorer
signal_restorer:
	movl $15, %eax
	syscall
	ud2
	/* noreturn host_sigreturn(ucontext, fs_base, gs_base) */
	.globl host_sigreturn
host_sigreturn:
	movq %rdi, %rsp
	wrfsbase %rsi
	wrgsbase %rdx
	movl $15, %eax
	syscall
	ud2

	.text
	/* uint64_t guest_call(nr, a, b, c, d, e, f): a system call from code that may make none */
	.globl guest_call
guest_call:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	ret
	.globl int80_call
int80_call:
	movq %rdi, %rax
	movq %rsi, %rbx
	movq %rdx, %rcx
	int $0x80
	ret
	.globl embryo_entry
embryo_entry:
	call embryo_main
	ud2
	.globl reset_entry
reset_entry:
	call reset_main
	ud2
	/* noreturn enter_on(stack, function, argument) */
	.globl enter_on
enter_on:
	movq %rdi, %rsp
	movq %rdx, %rdi
	call *%rsi
	ud2
	/* uint64_t fault(void): the handler returns from here */
	.globl fault
fault:
	movq $0, 0
	ret
	/* The count kept in xmm15, which no C code of the probe uses. */
	.globl xmm_count
xmm_count:
	movq %xmm15, %rax
	incq %rax
	movq %rax, %xmm15
	ret

	.section .note.GNU-stack, "", @progbits
