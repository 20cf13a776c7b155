/*
 * The probe: a library OS of 200 lines that does what the test tells it, one struct
 * probe_call per LINK_DRIVER_IN frame, and answers with a struct probe_result. It shows what
 * a hostile guest in full control of its process could do.
 */
#ifndef TESTS_TENDER_PROBE_H
#define TESTS_TENDER_PROBE_H

#include <stdint.h>

enum probe_op {
	PROBE_HOST_CALL = 1, /* nr and args, from the code that may make host calls */
	PROBE_GUEST_CALL,    /* the same from other code: result says whether it came back as a signal */
	PROBE_INT80,         /* the same by the 32-bit gate */
	PROBE_PEEK,          /* the word at args[0] */
	PROBE_POKE,          /* args[1] to the word at args[0] */
	PROBE_COUNT, /* counts in its data, in an XMM register and in memory; the three must agree */
	PROBE_FILL, /* args[1] bytes at args[0], no two words alike; result is how many */
	PROBE_SEND_FRAME, /* a frame with type args[0], length field args[1] and args[2] real bytes */
	PROBE_SPIN, /* for ever */
	PROBE_FAULT, /* a store to address 0: result is the signal */
	PROBE_EXIT, /* LINK_EXIT with args[0], then exit */
	PROBE_SUM, /* of the words at each args[2] bytes of the args[1] bytes at args[0] */
	PROBE_VSYSCALL, /* the function at args[0] of the vsyscall page: result as with PROBE_GUEST_CALL, or
	                   of PROBE_FAULT */
	PROBE_GROW, /* sleeps args[3] ms, then maps args[1] bytes at args[0] and touches them, args[2] in a
	               call */
	PROBE_TOUCH, /* writes a word at each args[2] bytes of the args[1] bytes at args[0], which it maps */
	PROBE_MAPPINGS, /* args[1] mappings of a page each from args[0] on, with a page between two */
	PROBE_CHURN, /* fills args[1] bytes at args[0] in one call and gives them back, for ever */
	PROBE_PROTECT, /* reads args[1] bytes of new memory at args[0], and protects all of it in one call,
	                  for ever */
	PROBE_ALTSTACK, /* spins with its stack pointer in the alternate stack */
	PROBE_FLOOD, /* args[2] frames of args[3] bytes, in turn with type args[0] and args[1] */
	PROBE_FS, /* link_fs_call args[0] on the path in args[1..]: errno, PROBE_GOT_FD if a descriptor
	             came */
};

#define PROBE_TRAPPED 0x53494753595321ull /* result of a call that came back as SIGSYS */
#define PROBE_GOT_FD (1ull << 32)

struct probe_call {
	uint64_t op, nr, args[6];
};

struct probe_result {
	uint64_t result;
	uint64_t deploy_id; /* of this UC; 0 in a booted one */
};

#endif
