/*
 * The only code of a UC that may make host calls: the seccomp filter compares the
 * instruction pointer with the bounds of section .text.hostcall.
 */
	.section .text.hostcall, "ax"

/* long host_syscall(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) */
	.globl host_syscall
	.type host_syscall, @function
host_syscall:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	ret

/* noreturn host_sigreturn(ucontext): rt_sigreturn(2) takes on the registers of the ucontext */
	.globl host_sigreturn
	.type host_sigreturn, @function
host_sigreturn:
	movq %rdi, %rsp
	movl $15, %eax
	syscall
	ud2

/* Return of a signal handler that interrupted the library OS itself. */
	.globl signal_restorer
	.type signal_restorer, @function
signal_restorer:
	movl $15, %eax
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
