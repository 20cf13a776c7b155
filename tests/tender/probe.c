#include "probe_own.h"

#include <asm/unistd_64.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/mman.h>

#include "../../abi/layout.h"
#include "../../abi/libos.h"
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
void host_sigreturn(uint64_t frame, uint64_t fs_base, uint64_t gs_base) __attribute__((noreturn));
void embryo_main(void);
void reset_main(void);

char altstack[ALTSTACK_BYTES] __attribute__((aligned(4096)));
static char stack[STACK_BYTES] __attribute__((aligned(4096)));
uint64_t deploy_id;
struct probe_io io;

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

void copy(void *to, const void *from, uint64_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

void send(uint16_t type, const void *payload, uint32_t claimed, uint64_t bytes)
{
	struct link_frame frame = { .type = type, .len = claimed };
	struct iovec iov[2] = { { &frame, sizeof frame }, { (void *)payload, bytes } };

	host_call(__NR_writev, UC_LINK_FD, (uint64_t)iov, 2, 0, 0, 0);
}

int64_t receive(void *to, uint64_t bytes, int *fds, int *fd_count)
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
