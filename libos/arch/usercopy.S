/*
 * Accesses to guest memory that may fault. A fault anywhere between *_begin and *_end continues
 * at usercopy_fault, which returns -EFAULT: these are leaf functions that keep nothing on the stack.
 */
#define EFAULT 14
#define REP_MIN 128 /* below, a loop beats starting up a rep instruction */

	.text

/* int usercopy_copy(void *dst, const void *src, u64 bytes) */
	.globl usercopy_copy
	.type usercopy_copy, @function
usercopy_copy:
	mov %rdx, %rcx
copy_begin:
	cmp $REP_MIN, %rcx
	jae 5f
	sub $8, %rcx
	jb 2f
1:	mov (%rsi), %rax
	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	sub $8, %rcx
	jae 1b
2:	test $4, %cl
	jz 3f
	movsl
3:	test $2, %cl
	jz 4f
	movsw
4:	test $1, %cl
	jz copy_end
	movsb
	jmp copy_end
5:	rep movsb
copy_end:
	xor %eax, %eax
	ret
	.size usercopy_copy, . - usercopy_copy

/* int usercopy_clear(void *dst, u64 bytes) */
	.globl usercopy_clear
	.type usercopy_clear, @function
usercopy_clear:
	mov %rsi, %rcx
	xor %eax, %eax
clear_begin:
	rep stosb
clear_end:
	ret
	.size usercopy_clear, . - usercopy_clear

/* long usercopy_string(char *dst, const char *src, u64 bytes) */
	.globl usercopy_string
	.type usercopy_string, @function
usercopy_string:
	xor %eax, %eax
string_begin:
1:	cmp %rdx, %rax
	je string_end
	mov (%rsi,%rax), %cl
	mov %cl, (%rdi,%rax)
	test %cl, %cl
	jz string_end
	inc %rax
	jmp 1b
string_end:
	ret
	.size usercopy_string, . - usercopy_string

usercopy_fault:
	mov $-EFAULT, %rax
	ret

	.section .rodata
	.balign 8
/* const struct fault_fixup fault_fixups[] */
	.globl fault_fixups
fault_fixups:
	.quad copy_begin, copy_end, usercopy_fault
	.quad clear_begin, clear_end, usercopy_fault
	.quad string_begin, string_end, usercopy_fault
fault_fixups_end:
	.globl fault_fixup_count
fault_fixup_count:
	.quad (fault_fixups_end - fault_fixups) / 24

	.section .note.GNU-stack, "", @progbits
