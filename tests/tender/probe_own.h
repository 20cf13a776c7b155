/* What the files of the probe share: it has no libc, and its calls are its own. */
#ifndef TESTS_TENDER_PROBE_OWN_H
#define TESTS_TENDER_PROBE_OWN_H

#include <stdint.h>

#include "../../abi/link.h"
#include "probe.h"

#define ALTSTACK_BYTES 16384

/* probe_entry.S */
uint64_t host_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
uint64_t guest_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
uint64_t int80_call(uint64_t nr, uint64_t a, uint64_t b);
void enter_on(uint64_t stack, void (*fn)(void), uint64_t arg) __attribute__((noreturn));
uint64_t xmm_count(void);
uint64_t fault(void);

/* probe.c: the frame that was received last, and whose UC this is (0: a booted one). */
extern struct probe_io {
	struct link_frame frame;
	char payload[LINK_PAYLOAD_MAX];
} io;
extern uint64_t deploy_id;
extern char altstack[ALTSTACK_BYTES];

void copy(void *to, const void *from, uint64_t bytes);
void send(uint16_t type, const void *payload, uint32_t claimed, uint64_t bytes);
int64_t receive(void *to, uint64_t bytes, int *fds, int *fd_count);

/* probe_calls.c: does what a test asked for; its result. */
uint64_t carry_out(const struct probe_call *c);

#endif
