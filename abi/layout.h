/*
 * Address-space layout of a unikernel context (UC), and its fixed descriptors.
 *
 * Every UC has the same layout, so that a snapshot's pages mean the same in each
 * of them. All of it lies below 512 GiB: one page-directory-pointer page serves a
 * whole UC, and the parts that every invocation touches lie in the first 2 GiB,
 * which also lets code anywhere there reach the program text with a 32-bit
 * displacement.
 */
#ifndef SEUSS_ABI_LAYOUT_H
#define SEUSS_ABI_LAYOUT_H

#define UC_PAGE_SIZE 4096ul

/* Absolute jump table and trampolines of patched syscall sites. */
#define UC_PATCH_BASE 0x00010000ul
#define UC_PATCH_END 0x00200000ul
/*
 * The trampolines among it: UC_TRAMPOLINE_BYTES each, the third word of each being the guest address it
 * stands for.
 */
#define UC_TRAMPOLINE_BASE 0x00070000ul
#define UC_TRAMPOLINE_END 0x000f0000ul
#define UC_TRAMPOLINE_BYTES 64ul

/* Programs of type ET_EXEC, then their brk heap. */
#define UC_EXEC_BASE 0x00400000ul
#define UC_EXEC_END 0x18000000ul

/* Library OS: text, data, bss (linked there), then its heap. */
#define UC_LIBOS_BASE 0x18000000ul
#define UC_LIBOS_END 0x1c000000ul

/* Scratch of the embryo: its stack and the deploy plan. Not part of a snapshot. */
#define UC_SCRATCH_BASE 0x1c000000ul
#define UC_SCRATCH_END 0x1d000000ul

/* The host's vDSO and its data pages, moved here before the UC is born. Not part of a snapshot. */
#define UC_VDSO_BASE 0x1d000000ul
#define UC_VDSO_END 0x1d100000ul

/* Dense arena: mmap, stacks, position-independent programs; lowest free address first. */
#define UC_ARENA_BASE 0x20000000ul
#define UC_ARENA_END 0x1000000000ul

/* Reservations of UC_GIANT_MIN bytes and more. */
#define UC_GIANT_MIN 0x40000000ul
#define UC_GIANT_BASE 0x1000000000ul
#define UC_GIANT_END 0x7000000000ul

/* File-system images, mapped read-only, one window each. */
#define UC_IMAGE_BASE 0x7000000000ul
#define UC_IMAGE_SPAN 0x0200000000ul
#define UC_IMAGE_MAX 8
#define UC_IMAGE_END (UC_IMAGE_BASE + UC_IMAGE_MAX * UC_IMAGE_SPAN)

/* No address at or above this belongs to a UC. */
#define UC_GUEST_END 0x8000000000ul

/*
 * A UC has its host fill no more than that in one call: in the middle of it nothing but SIGKILL stops the
 * process.
 */
#define UC_POPULATE_MAX 0x200000ul

/*
 * Descriptors of a UC. 0..2 are /dev/null. The link is a SOCK_SEQPACKET socket.
 * Images occupy UC_IMAGE_FD + i for window i; whatever a later message brings takes
 * the lowest free number, as recvmsg(2) does.
 */
#define UC_LINK_FD 3
#define UC_IMAGE_FD 4

#endif
