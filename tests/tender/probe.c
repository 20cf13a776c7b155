#include "probe.h"

#include <asm/unistd_64.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/mman.h>

#include "../../abi/layout.h"
#include "../../abi/libos.h"
#include "../../abi/link.h"
#include "../../abi/plan.h"

#define HOST_SPACE_BEGIN 0x10000000000ul
#define HOST_SPACE_END 0x7ffffffff000ul
#define STACK_BYTES 65536
#define SIGSYS 31
#define CONTROL_WORDS 64

extern char hostcall_start[], hostcall_end[], image_end[];
void embryo_entry(void);
void reset_entry(void);
void signal_restorer(void);
uint64_t host_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
uint64_t guest_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
uint64_t int80_call(uint64_t nr, uint64_t a, uint64_t b);
void host_sigreturn(uint64_t frame, uint64_t fs_base, uint64_t gs_base) __attribute__((noreturn));
void enter_on(uint64_t stack, void (*fn)(void), uint64_t arg) __attribute__((noreturn));
uint64_t xmm_count(void);
uint64_t fault(void);
void embryo_main(void);
void reset_main(void);

static char altstack[16384] __attribute__((aligned(4096)));
static char stack[STACK_BYTES] __attribute__((aligned(4096)));
static uint64_t data_count = 7, heap_count;
static uint64_t deploy_id;
static struct {
	struct link_frame frame;
	char payload[LINK_PAYLOAD_MAX];
} io;

/* The part of ucontext_t that the probe looks at. */
struct ucontext {
	uint64_t flags, link, stack[3];
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags,
		cs;
	uint64_t err, trapno, oldmask, cr2, fpstate;
};

struct msghdr {
	void *name;
	uint64_t name_len;
	struct iovec {
		void *base;
		uint64_t len;
	} *iov;
	uint64_t iov_len;
	void *control;
	uint64_t control_len;
	uint64_t flags;
};

/*
 * A trapped call gets its result; a fault returns the signal's number from the function that it happened in.
 */
static void on_signal(int signo, const void *info, struct ucontext *uc)
{
	(void)info;
	if (signo == SIGSYS) {
		uc->rax = PROBE_TRAPPED;
		return;
	}
	uc->rax = (uint64_t)signo;
	uc->rip = *(uint64_t *)uc->rsp;
	uc->rsp += 8;
}

__attribute__((section(".header"), used)) const struct libos_header header = {
	.magic = LIBOS_MAGIC,
	.version = LIBOS_VERSION,
	.link_version = LINK_VERSION,
	.embryo_entry = (uint64_t)embryo_entry,
	.reset_entry = (uint64_t)reset_entry,
	.signal_entry = (uint64_t)on_signal,
	.signal_restorer = (uint64_t)signal_restorer,
	.altstack_base = (uint64_t)altstack,
	.altstack_bytes = sizeof altstack,
	.hostcall_start = (uint64_t)hostcall_start,
	.hostcall_end = (uint64_t)hostcall_end,
	.image_end = (uint64_t)image_end,
};

static void copy(void *to, const void *from, uint64_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static void send(uint16_t type, const void *payload, uint32_t claimed, uint64_t bytes)
{
	struct link_frame frame = { .type = type, .len = claimed };
	struct iovec iov[2] = { { &frame, sizeof frame }, { (void *)payload, bytes } };

	host_call(__NR_writev, UC_LINK_FD, (uint64_t)iov, 2, 0, 0, 0);
}

static int64_t receive(void *to, uint64_t bytes, int *fds, int *fd_count)
{
	uint64_t control[CONTROL_WORDS];
	struct iovec iov = { to, bytes };
	struct msghdr m = { .iov = &iov, .iov_len = 1, .control = control, .control_len = sizeof control };
	int64_t n = (int64_t)host_call(__NR_recvmsg, UC_LINK_FD, (uint64_t)&m, 0, 0, 0, 0);

	*fd_count = 0;
	if (m.control_len > 16) {
		*fd_count = (int)((control[0] - 16) / 4);
		copy(fds, &control[2], (uint64_t)*fd_count * 4);
	}
	return n;
}

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

static uint64_t carry_out(const struct probe_call *c)
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

static void serve(void)
{
	int fds[64], fd_count;

	for (;;) {
		int64_t n = receive(&io, sizeof io, fds, &fd_count);
		struct probe_result r = { .deploy_id = deploy_id };

		if (n <= 0)
			host_call(__NR_exit_group, 99, 0, 0, 0, 0, 0);
		if (io.frame.type != LINK_DRIVER_IN || io.frame.len != sizeof(struct probe_call))
			continue;
		r.result = carry_out((const struct probe_call *)io.payload);
		r.deploy_id = deploy_id;
		send(LINK_DRIVER_OUT, &r, sizeof r, sizeof r);
	}
}

static void resume(const struct plan *p)
{
	const char *at = (const char *)p + p->changes_offset, *end = at + p->changes_bytes;

	while (at < end) {
		struct plan_change c;

		copy(&c, at, sizeof c);
		at += sizeof c;
		if (c.access)
			host_call(__NR_mprotect, c.page * 4096ul, 4096, 3, 0, 0, 0);
		for (; c.runs; c.runs--) {
			struct plan_run run;

			copy(&run, at, sizeof run);
			at += sizeof run;
			copy((char *)(c.page * 4096ul) + run.first * 8ul, at, run.count * 8ul);
			at += run.count * 8ul;
		}
		if (c.access)
			host_call(__NR_mprotect, c.page * 4096ul, 4096, c.access & ~PLAN_CHANGE_PROTECTED, 0,
				  0, 0);
	}
}

static bool carry_out_map(const struct plan_map *m, const int *fds, uint32_t layers)
{
	uint16_t s = m->source;
	uint64_t fd = s == PLAN_ANONYMOUS ? -1ul
		      : s < UC_IMAGE_MAX  ? (uint64_t)fds[s]
					  : (uint64_t)fds[layers + s - UC_IMAGE_MAX];

	if (m->flags & PLAN_PROTECT)
		return host_call(__NR_mprotect, m->start, m->bytes, m->prot, 0, 0, 0) == 0;
	if (m->flags & PLAN_UNMAP)
		return host_call(__NR_munmap, m->start, m->bytes, 0, 0, 0, 0) == 0;
	if (m->flags & PLAN_DISCARD)
		return host_call(__NR_madvise, m->start, m->bytes, MADV_DONTNEED, 0, 0, 0) == 0;
	if (m->flags & PLAN_COPY)
		return host_call(__NR_pread64, fd, m->start, m->bytes, m->offset, 0, 0) == m->bytes;
	return host_call(__NR_mmap, m->start, m->bytes, m->prot,
			 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | (fd == -1ul ? MAP_ANONYMOUS : 0), fd,
			 m->offset) == m->start;
}

static void become(const struct link_deploy *d, const int *fds)
{
	const struct plan *p = (const void *)UC_SCRATCH_BASE;
	uint32_t images = d->identity.image_count, layers = images + d->plan_count;
	struct link_deployed done = { d->identity.deploy_id };
	uint64_t frame;

	for (uint32_t i = 0; i < d->plan_count; i++) {
		const struct plan_map *m = (const void *)(p + 1);

		host_call(__NR_mmap, UC_SCRATCH_BASE, (d->plan_bytes[i] + 4095) & ~4095ul, 1,
			  MAP_PRIVATE | MAP_FIXED, (uint64_t)fds[images + i], 0);
		for (uint32_t j = 0; j < p->map_count; j++)
			if (!carry_out_map(&m[j], fds, layers))
				host_call(__NR_exit_group, 98, 0, 0, 0, 0, 0);
		resume(p);
	}
	for (uint32_t i = images; i < layers + d->layer_count; i++)
		host_call(__NR_close, (uint64_t)fds[i], 0, 0, 0, 0, 0);
	if (!(p->flags & PLAN_RESUMES))
		deploy_id = d->identity.deploy_id;
	send(LINK_DEPLOYED, &done, sizeof done, sizeof done);
	frame = ((uint64_t)altstack + sizeof altstack - p->frame_bytes) & ~63ul;
	copy((void *)frame, (const char *)p + p->frame_offset, p->frame_bytes);
	((struct ucontext *)frame)->fpstate += frame - p->frame_sp;
	host_sigreturn(frame, p->fs_base, p->gs_base);
}

static void take_first_message(void)
{
	struct {
		struct link_frame frame;
		char payload[LINK_PAYLOAD_MAX];
	} in;
	struct link_deployed up;
	int fds[64], fd_count;

	if (receive(&in, sizeof in, fds, &fd_count) <= 0)
		host_call(__NR_exit_group, 97, 0, 0, 0, 0, 0);
	if (in.frame.type == LINK_DEPLOY)
		become((const struct link_deploy *)in.payload, fds);
	up.deploy_id = ((const struct link_boot *)in.payload)->identity.deploy_id;
	send(LINK_DEPLOYED, &up, sizeof up, sizeof up);
	enter_on((uint64_t)stack + sizeof stack, serve, 0);
}

void embryo_main(void)
{
	host_call(__NR_munmap, HOST_SPACE_BEGIN, HOST_SPACE_END - HOST_SPACE_BEGIN, 0, 0, 0, 0);
	take_first_message();
}

void reset_main(void)
{
	uint64_t scratch = UC_SCRATCH_END - UC_SCRATCH_BASE;

	host_call(__NR_setitimer, 0, 0, 0, 0, 0, 0);
	host_call(__NR_mmap, UC_SCRATCH_BASE, scratch, 3,
		  MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1ul, 0);
	enter_on(UC_SCRATCH_END, take_first_message, 0);
}
