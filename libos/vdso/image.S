/*
 * The vDSO inside the library OS's text, on a page of its own, and the data that it reads (vdso/vdso.h).
 */
#define VDSO_DATA_POINTER 4088

	.section .vdso, "ax", @progbits
	.balign 4096
	.globl __vdso_start, __vdso_end
__vdso_start:
	.incbin "vdso/vdso.so"
	.org __vdso_start + VDSO_DATA_POINTER /* refuses to go back: the vDSO has outgrown its page */
	.quad vdso_data
__vdso_end:

	.section .data.vdso, "aw", @progbits
	.balign 16
	.globl vdso_data
vdso_data:
	.fill 16

	.section .note.GNU-stack, "", @progbits
