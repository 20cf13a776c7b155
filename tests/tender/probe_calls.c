/* What a test can ask of the probe. */
#include "probe_own.h"

#include <asm/unistd_64.h>
#include <linux/mman.h>

#include "../../abi/layout.h"

static uint64_t data_count = 7, heap_count;

static uint64_t count(void)
{
	uint64_t *heap = (uint64_t *)UC_ARENA_BASE;

	if (!heap_count++)
		host_call(__NR_mmap, UC_ARENA_BASE, 1 << 20, 3, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1ul,
			  0);
	heap[512 * 5]++;
	data_count++;
	return xmm_count() == heap[512 * 5] && heap[512 * 5] == heap_count && data_count == heap_count + 7
		       ? heap_count
		       : 0;
}

static uint64_t sum(uint64_t addr, uint64_t bytes, uint64_t step)
{
	uint64_t words = 0;

	for (uint64_t at = addr; at < addr + bytes; at += step)
		words += *(volatile uint64_t *)at;
	return words;
}

/* xorshift64 (Marsaglia), never started twice from the same state. */
static uint64_t fill(uint64_t *at, uint64_t bytes)
{
	static uint64_t x = 88172645463325252ull;

	for (uint64_t i = 0; i < bytes / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at[i] = x + deploy_id;
	}
	return bytes;
}

struct pollfd {
	int fd;
	short events, revents;
};

static void sleep_ms(uint64_t ms)
{
	uint64_t time[2] = { ms / 1000, ms % 1000 * 1000000 };
	struct pollfd none = { .fd = -1 };

	host_call(__NR_ppoll, (uint64_t)&none, 1, (uint64_t)time, 0, 8, 0);
}

/* As fast as the host lets it. */
static uint64_t grow(uint64_t addr, uint64_t bytes, uint64_t chunk)
{
	uint64_t done = 0;

	host_call(__NR_mmap, addr, bytes, 3, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1ul,
		  0);
	while (done < bytes && !host_call(__NR_madvise, addr + done, chunk, MADV_POPULATE_WRITE, 0, 0, 0))
		done += chunk;
	return done;
}

static uint64_t map(uint64_t addr, uint64_t bytes)
{
	return host_call(__NR_mmap, addr, bytes, 3, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1ul, 0);
}

static uint64_t touch(uint64_t addr, uint64_t bytes, uint64_t step)
{
	uint64_t count = 0;

	map(addr, bytes);
	for (uint64_t at = addr; at < addr + bytes; at += step, count++)
		*(volatile uint64_t *)at = at;
	return count;
}

static uint64_t make_mappings(uint64_t addr, uint64_t count)
{
	uint64_t i = 0;

	while (i < count && map(addr + i * 8192, 4096) == addr + i * 8192)
		i++;
	return i;
}

static void churn(uint64_t addr, uint64_t bytes)
{
	map(addr, bytes);
	for (;;) {
		host_call(__NR_madvise, addr, bytes, MADV_POPULATE_WRITE, 0, 0, 0);
		host_call(__NR_madvise, addr, bytes, MADV_DONTNEED, 0, 0, 0);
	}
}

static void protect(uint64_t addr, uint64_t bytes)
{
	map(addr, bytes);
	for (uint64_t at = addr; at < addr + bytes; at += UC_POPULATE_MAX)
		host_call(__NR_madvise, at, UC_POPULATE_MAX, MADV_POPULATE_READ, 0, 0, 0);
	for (uint64_t prot = 3;; prot ^= 2)
		host_call(__NR_mprotect, addr, bytes, prot, 0, 0, 0);
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

static uint64_t fs_call(const uint64_t *args)
{
	struct {
		struct link_fs_call head;
		char path[40];
	} call = { .head = { .op = (uint32_t)args[0] } };
	uint32_t length = 0;
	int fds[64], fd_count;

	copy(call.path, &args[1], sizeof call.path);
	while (length < sizeof call.path && call.path[length])
		length++;
	send(LINK_FS_CALL, &call, (uint32_t)sizeof call.head + length, sizeof call.head + length);
	if (receive(&io, sizeof io, fds, &fd_count) < 0 || io.frame.type != LINK_FS_REPLY)
		return ~0ul;
	return (uint64_t)((struct link_fs_reply *)io.payload)->error | (fd_count ? PROBE_GOT_FD : 0);
}

static uint64_t flood(const uint64_t *args)
{
	static char bytes[LINK_PAYLOAD_MAX];

	for (uint64_t i = 0; i < args[2]; i++) {
		bytes[0] = (char)i;
		send((uint16_t)args[i % 2], bytes, (uint32_t)args[3], args[3]);
	}
	return args[2];
}

uint64_t carry_out(const struct probe_call *c)
{
	const uint64_t *a = c->args;

	switch (c->op) {
	case PROBE_HOST_CALL:
		return host_call(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	case PROBE_GUEST_CALL:
		return guest_call(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	case PROBE_INT80:
		return int80_call(c->nr, a[0], a[1]);
	case PROBE_PEEK:
		return *(volatile uint64_t *)a[0];
	case PROBE_POKE:
		return *(volatile uint64_t *)a[0] = a[1];
	case PROBE_COUNT:
		return count();
	case PROBE_FILL:
		return fill((uint64_t *)a[0], a[1]);
	case PROBE_SUM:
		return sum(a[0], a[1], a[2]);
	case PROBE_SEND_FRAME:
		send((uint16_t)a[0], io.payload, (uint32_t)a[1], a[2]);
		return 0;
	case PROBE_VSYSCALL:
		return ((uint64_t (*)(uint64_t, uint64_t))a[0])(0, 0);
	case PROBE_FLOOD:
		return flood(a);
	case PROBE_FS:
		return fs_call(a);
	case PROBE_GROW:
		sleep_ms(a[3]);
		return grow(a[0], a[1], a[2]);
	case PROBE_FAULT:
		return fault();
	case PROBE_TOUCH:
		return touch(a[0], a[1], a[2]);
	case PROBE_MAPPINGS:
		return make_mappings(a[0], a[1]);
	case PROBE_PROTECT:
		protect(a[0], a[1]);
		return 0;
	case PROBE_CHURN:
		churn(a[0], a[1]);
		return 0;
	case PROBE_ALTSTACK:
		enter_on((uint64_t)altstack + sizeof altstack / 2, spin, 0);
	case PROBE_SPIN:
		spin();
		return 0;
	case PROBE_EXIT: {
		struct link_exit e = { .status = (uint32_t)a[0] };

		send(LINK_EXIT, &e, sizeof e, sizeof e);
		host_call(__NR_exit_group, a[0], 0, 0, 0, 0, 0);
	}
	}
	return ~0ul;
}
