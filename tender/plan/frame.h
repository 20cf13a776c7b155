/* Registers as a signal frame, which rt_sigreturn(2) takes them from. */
#ifndef TENDER_FRAME_H
#define TENDER_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/* Learns size and features of the extended state from a frame that this host's kernel makes. */
void frame_probe(uint32_t *xstate_bytes, uint64_t *xstate_mask);

/* Bytes of a frame with that much extended state. */
size_t frame_bytes(uint32_t xstate_bytes);

struct frame_source {
	const struct user_regs_struct *regs;
	const void *xstate; /* XSAVE area, standard format, at least xstate_bytes */
	uint32_t xstate_bytes;
	uint64_t xstate_mask;
	uint64_t altstack_base, altstack_bytes;
};

/* Builds at `to` the frame that will lie at address sp (64-byte aligned). */
void frame_build(void *to, uint64_t sp, const struct frame_source *source);

/* Its program counter. */
uint64_t frame_rip(const void *frame);

/*
 * NULL if the frame at `from`, of frame_bytes(expected->xstate_bytes), is one for address sp that this host's
 * kernel restores and that goes on in the guest's space; else what is wrong. regs and xstate of expected are
 * not looked at.
 */
const char *frame_fault(const void *from, uint64_t sp, const struct frame_source *expected);

#endif
