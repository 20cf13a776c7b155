/*
 * What hostile machine code in a context can do: it calls the library OS's host call stub with any registers,
 * sends any frames, and moves its stack where it likes. Loaded by native.py.
 */
#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"
#include "abi/libos.h"
#include "abi/link.h"

enum { WRITEV = 20, MMAP = 9, MPROTECT = 10, MADVISE = 28 };
enum {
	DONTNEED = 4,
	POPULATE_READ = 22,
	POPULATE_WRITE = 23,
	PROT_READ_WRITE = 3,
	PRIVATE_FIXED_ANONYMOUS = 0x32,
	NORESERVE = 0x4000
};

typedef int64_t (*host_call)(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			     uint64_t f);

struct vector {
	const void *base;
	uint64_t bytes;
};

static const struct libos_header *libos(void)
{
	return (const struct libos_header *)UC_LIBOS_BASE;
}

int64_t host(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return ((host_call)libos()->hostcall_start)(nr, a, b, c, d, e, f);
}

/* A frame of any type, whose length field says what the attacker wants it to say. */
int64_t frame(uint16_t type, uint16_t flags, uint32_t claimed, const void *payload, uint64_t bytes)
{
	struct link_frame head = { .type = type, .flags = flags, .len = claimed };
	struct vector parts[2] = { { &head, sizeof head }, { payload, bytes } };

	return host(WRITEV, UC_LINK_FD, (uint64_t)parts, 2, 0, 0, 0);
}

/* So many frames of one byte each. */
void one_byte_frames(uint16_t type, uint64_t count)
{
	while (count--)
		frame(type, 0, 1, "x", 1);
}

/* Anonymous memory at a place that the library OS does not know of. */
int64_t map(uint64_t address, uint64_t bytes)
{
	return host(MMAP, address, bytes, PROT_READ_WRITE, PRIVATE_FIXED_ANONYMOUS | NORESERVE, ~0ull, 0);
}

/* In calls as long as one may be, for as long as there is memory to fill. */
int64_t populate(uint64_t address, uint64_t bytes)
{
	int64_t error = 0;

	map(address, bytes);
	for (uint64_t at = address; !error && at < address + bytes; at += UC_POPULATE_MAX)
		error = host(MADVISE, at, UC_POPULATE_MAX, POPULATE_WRITE, 0, 0, 0);
	return error;
}

/* The same memory again and again. */
void churn(uint64_t address)
{
	map(address, UC_POPULATE_MAX);
	for (;;) {
		host(MADVISE, address, UC_POPULATE_MAX, POPULATE_WRITE, 0, 0, 0);
		host(MADVISE, address, UC_POPULATE_MAX, DONTNEED, 0, 0, 0);
	}
}

/* Tables full of the one zero page: for each call on them the kernel works a tenth of a second, or more. */
void protect_much(uint64_t address, uint64_t bytes)
{
	map(address, bytes);
	for (uint64_t at = address; at < address + bytes; at += UC_POPULATE_MAX)
		host(MADVISE, at, UC_POPULATE_MAX, POPULATE_READ, 0, 0, 0);
	for (uint64_t i = 0;; i++)
		host(MPROTECT, address, bytes, i % 2 ? PROT_READ_WRITE : PROT_READ_WRITE - 2, 0, 0, 0);
}

/* So many mappings of a page each, with a gap between two. */
int64_t mappings(uint64_t address, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (map(address + i * 2 * UC_PAGE_SIZE, UC_PAGE_SIZE) < 0)
			return (int64_t)i;
	return (int64_t)count;
}

/* Writes a word of each page. */
void touch(uint64_t address, uint64_t bytes)
{
	for (uint64_t at = address; at < address + bytes; at += UC_PAGE_SIZE)
		*(volatile uint64_t *)at = at;
}

void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

/* Goes round with the stack pointer in the stack that signals use, where no context can be captured. */
void spin_in_altstack(uint64_t rounds)
{
	uint64_t sp = libos()->altstack_base + libos()->altstack_bytes / 2;

	__asm__ volatile("xchg %%rsp, %0\n"
			 "1:	pause\n"
			 "	dec %1\n"
			 "	jnz 1b\n"
			 "	xchg %%rsp, %0"
			 : "+r"(sp), "+r"(rounds)
			 :
			 : "memory", "cc");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A number that means something to some call, or none. */
static uint64_t argument(uint64_t *state)
{
	static const uint64_t values[] = { 0,
					   1,
					   2,
					   3,
					   4,
					   7,
					   8,
					   0x22,
					   0x32,
					   0x1000,
					   0x4000,
					   0x7fffffff,
					   0xffffffff,
					   ~0ull,
					   1ull << 32,
					   1ull << 63,
					   UC_LIBOS_BASE,
					   UC_SCRATCH_BASE,
					   UC_VDSO_BASE,
					   UC_ARENA_BASE,
					   UC_GIANT_BASE,
					   UC_IMAGE_BASE,
					   UC_GUEST_END,
					   UC_GUEST_END - UC_PAGE_SIZE,
					   1ull << 40,
					   (1ull << 47) - UC_PAGE_SIZE,
					   1ull << 47,
					   0xffffffffff600000ull };
	uint64_t r = next_random(state);

	return r % 4 ? values[(r >> 8) % (sizeof values / sizeof values[0])]
		     : next_random(state) >> (r >> 8) % 64;
}

/*
 * Host calls that nobody would make, until one kills. exit_group is left out, as it would end the series for
 * nothing.
 */
void forged_calls(uint64_t seed, uint64_t count)
{
	static const uint16_t allowed[] = { 47, 20, 271, 9, 11, 10, 25, 28, 17, 3, 228, 38, 15 };
	uint64_t state = seed * 2654435761u + 88172645463325252ull;

	while (count--) {
		uint64_t r = next_random(&state);
		uint64_t nr =
			r % 8 ? allowed[(r >> 8) % (sizeof allowed / sizeof allowed[0])] : (r >> 8) % 470;

		if (nr != 231)
			host(nr, argument(&state), argument(&state), argument(&state), argument(&state),
			     argument(&state), argument(&state));
	}
}

/* Frames of all types, flags and lengths. */
void forged_frames(uint64_t seed, uint64_t count)
{
	uint64_t state = seed * 2654435761u + 88172645463325252ull;

	while (count--) {
		uint64_t r = next_random(&state);
		uint32_t bytes =
			r >> 60 ? (uint32_t)(r >> 40) % 64 : (uint32_t)(r >> 40) % (LINK_PAYLOAD_MAX + 64);

		frame((uint16_t)(r % 8 ? 28 + (r >> 8) % 12 : r >> 8), (uint16_t)(r & 0x10000 ? r >> 20 : 0),
		      r & 0x20000 ? bytes : (uint32_t)argument(&state), (const void *)UC_LIBOS_BASE, bytes);
	}
}

/* ---- ways past the filter's test of who calls ---- */

int64_t gate_of_32_bits(uint64_t nr)
{
	int64_t result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* getpid(2) by the vsyscall page's address, where older kernels have time(2). */
int64_t vsyscall(void)
{
	return ((int64_t (*)(uint64_t))0xffffffffff600400ull)(0);
}

/* A far return to a 32-bit code segment, with a system call there; the code lies below 4 GiB. */
void compatibility_mode(uint64_t code)
{
	__asm__ volatile("pushq $0x23\n"
			 "pushq %0\n"
			 "lretq"
			 :
			 : "r"(code)
			 : "memory");
}
