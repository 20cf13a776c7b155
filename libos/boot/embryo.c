/*
 * The embryo: a fresh process, locked down, with nothing of a guest in it. Its first
 * message tells it to boot the library OS or to become a snapshot.
 *
 * All of this runs on the scratch stack. While the plan is carried out the library OS's
 * own data is replaced under us: nothing here may use a global variable before that is done.
 */
#include <asm/errno.h>
#include <linux/mman.h>

#include "abi/layout.h"
#include "abi/link.h"
#include "abi/plan.h"
#include "arch/arch.h"
#include "arch/hostsig.h"
#include "boot.h"
#include "elf.h"
#include "fs/dev/fresh.h"
#include "host/host.h"
#include "host/link.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "process/lineage.h"
#include "process/random.h"
#include "resume.h"
#include "thread/sched.h"
#include "time/clock.h"
#include "time/clocks.h"

#define HOST_SPACE_BEGIN 0x10000000000ul /* 1 TiB: the zygote's mappings lie above */
#define HOST_SPACE_END 0x7ffffffff000ul
#define EMBRYO_FDS_MAX 64

struct deploy {
	struct link_deploy message;
	int fds[EMBRYO_FDS_MAX];
	int fd_count;
	bool resets; /* a UC that has run, not an embryo */
};

/* Before any output is possible the exit status alone tells the tender what was wrong. */
enum { EMBRYO_NO_MESSAGE = 240, EMBRYO_BAD_MESSAGE, EMBRYO_BAD_PLAN, EMBRYO_MAP_FAILED, RESET_BAD_STATE };

static void check(bool ok, int status)
{
	if (!ok)
		host_exit(status);
}

static int source_fd(const struct deploy *d, u16 source)
{
	if (source == PLAN_ANONYMOUS)
		return -1;
	u32 index = source < UC_IMAGE_MAX
			    ? source
			    : d->message.identity.image_count + d->message.plan_count + source - UC_IMAGE_MAX;
	check((int)index < d->fd_count, EMBRYO_BAD_PLAN);
	return d->fds[index];
}

static long copy_in(int fd, const struct plan_map *m)
{
	if (fd >= 0)
		return host_pread(fd, (void *)m->start, m->bytes, m->offset) - (long)m->bytes;
	memset((void *)m->start, 0, m->bytes);
	return 0;
}

static long carry_out_map(const struct deploy *d, const struct plan_map *m)
{
	if (m->flags & PLAN_PROTECT)
		return host_mprotect(m->start, m->bytes, m->prot);
	if (m->flags & PLAN_UNMAP)
		return host_munmap(m->start, m->bytes);
	if (m->flags & PLAN_DISCARD)
		return host_discard(m->start, m->bytes);
	int fd = source_fd(d, m->source);
	return m->flags & PLAN_COPY ? copy_in(fd, m)
				    : host_mmap(m->start, m->bytes, m->prot, MAP_NORESERVE, fd, m->offset);
}

static void carry_out(const struct deploy *d, const struct plan *p)
{
	const struct plan_map *m = (const void *)(p + 1);

	for (u32 i = 0; i < p->map_count; i++)
		check(carry_out_map(d, &m[i]) >= 0, EMBRYO_MAP_FAILED);
	const struct plan_touch *t = (const void *)(m + p->map_count);
	for (u32 i = 0; i < p->touch_count; i++)
		host_populate(t[i].start, t[i].bytes, t[i].write);
	check(resume_memory(p), EMBRYO_BAD_PLAN);
}

/* Each plan takes the place of the one before it. */
static const struct plan *map_plan(const struct deploy *d, u32 i)
{
	u32 index = d->message.identity.image_count + i;

	check(i < LINK_PLANS_MAX && (int)index < d->fd_count, EMBRYO_BAD_MESSAGE);
	u64 bytes = PAGE_UP(d->message.plan_bytes[i]);
	check(bytes && bytes < UC_SCRATCH_END - UC_SCRATCH_BASE - EMBRYO_STACK_BYTES, EMBRYO_BAD_PLAN);
	check(host_mmap(UC_SCRATCH_BASE, bytes, PROT_READ, 0, d->fds[index], 0) >= 0, EMBRYO_MAP_FAILED);
	const struct plan *p = (const void *)UC_SCRATCH_BASE;
	check(p->magic == PLAN_MAGIC && p->version == PLAN_VERSION, EMBRYO_BAD_PLAN);
	check(p->frame_offset + p->frame_bytes <= bytes && p->frame_bytes < ARCH_ALTSTACK_BYTES / 2,
	      EMBRYO_BAD_PLAN);
	check(p->changes_offset + p->changes_bytes <= bytes, EMBRYO_BAD_PLAN);
	return p;
}

/* Plans and layers have served; the images keep their descriptors. */
static void close_sources(const struct deploy *d)
{
	for (int i = (int)d->message.identity.image_count; i < d->fd_count; i++)
		host_close(d->fds[i]);
}

struct departure {
	u64 frame;
	u64 fs_base, gs_base;
};

/* On the alternate stack, below the frame: the scratch region goes, the guest's registers come. */
static void depart(void *arg)
{
	struct departure d = *(struct departure *)arg;

	host_munmap(UC_SCRATCH_BASE, UC_SCRATCH_END - UC_SCRATCH_BASE);
	arch_set_fs_base(d.fs_base);
	arch_set_gs_base(d.gs_base);
	host_sigreturn(d.frame);
}

/* Copies the frame to the top of the alternate stack; its pointer to the extended state moves along. */
static u64 place_frame(const struct plan *p)
{
	u64 frame = ((u64)arch_altstack + ARCH_ALTSTACK_BYTES - p->frame_bytes) & ~63ul;

	memcpy((void *)frame, (const u8 *)p + p->frame_offset, p->frame_bytes);
	struct host_ucontext *uc = (void *)frame;
	uc->mcontext.fpstate += frame - p->frame_sp;
	return frame;
}

static void become_new(const struct deploy *d)
{
	u32 pid = uc_identity.pid;

	uc_identity = d->message.identity;
	mm_set_limit(uc_identity.memory_limit);
	random_reseed(uc_identity.entropy);
	uc_identity.pid = lineage_new_pid(pid, uc_identity.pid);
	stack_renew_random();
	fresh_renew();
}

static noreturn_fn void become_snapshot(struct deploy *d)
{
	const struct plan *p = NULL;

	check(d->message.plan_count > 0, EMBRYO_BAD_MESSAGE);
	for (u32 i = 0; i < d->message.plan_count; i++) {
		p = map_plan(d, i);
		carry_out(d, p);
	}
	close_sources(d);
	/* From here on the captured library OS is in place. */
	if (!(p->flags & PLAN_RESUMES))
		become_new(d);
	u64 captured_ns = clock_redeploy(p->clock_monotonic_ns);
	clocks_redeploy();
	sched_redeploy(captured_ns);
	check(!d->resets || arch_altstack_is_set(), RESET_BAD_STATE);
	struct link_deployed done = { .deploy_id = d->message.identity.deploy_id };
	link_send(LINK_DEPLOYED, 0, &done, sizeof done);
	struct departure leave = { .frame = place_frame(p), .fs_base = p->fs_base, .gs_base = p->gs_base };
	arch_call_on(leave.frame - 256, depart, &leave);
}

/* Before anything else of the frame is looked at. One that is reset has the tender that it began with. */
static void check_version(const struct link_frame *first)
{
	if (first->tag != LINK_VERSION)
		panic("the tender speaks version %lu of the link, the library OS version %u", first->tag,
		      LINK_VERSION);
}

static noreturn_fn void take_first_message(bool resets)
{
	struct {
		struct link_frame frame;
		u8 payload[LINK_PAYLOAD_MAX];
	} in;
	struct deploy d = { .resets = resets };
	long n = host_link_recv(&in, sizeof in, true, d.fds, EMBRYO_FDS_MAX, &d.fd_count);
	check(n > 0, EMBRYO_NO_MESSAGE);
	check((u64)n >= sizeof in.frame, EMBRYO_BAD_MESSAGE);
	if (!resets)
		check_version(&in.frame);
	check(in.frame.len == (u64)n - sizeof in.frame, EMBRYO_BAD_MESSAGE);
	if (!resets && in.frame.type == LINK_BOOT && in.frame.len >= sizeof(struct link_boot))
		kernel_boot((const struct link_boot *)in.payload, in.frame.len);
	check(in.frame.type == LINK_DEPLOY && in.frame.len >= sizeof d.message, EMBRYO_BAD_MESSAGE);
	memcpy(&d.message, in.payload, sizeof d.message);
	become_snapshot(&d);
}

void embryo_main(void)
{
	host_munmap(HOST_SPACE_BEGIN, HOST_SPACE_END - HOST_SPACE_BEGIN);
	take_first_message(false);
}

static void reset_on_scratch(void *arg)
{
	(void)arg;
	take_first_message(true);
}

/*
 * A UC that has run goes on as an embryo does. Nothing of its memory but the text is to be trusted: no global
 * variable is used. It has its images' descriptors at most, which the message brings again.
 */
void reset_main(void)
{
	host_set_alarm(0);
	for (int i = 0; i < UC_IMAGE_MAX; i++)
		host_close(UC_IMAGE_FD + i);
	long r = host_mmap(UC_SCRATCH_BASE, UC_SCRATCH_END - UC_SCRATCH_BASE, PROT_READ | PROT_WRITE, 0, -1,
			   0);
	check(r >= 0, EMBRYO_MAP_FAILED);
	arch_call_on(UC_SCRATCH_END, reset_on_scratch, NULL);
}
