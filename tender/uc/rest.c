#include "uc/rest.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "abi/layout.h"
#include "abi/libos.h"
#include "base/base.h"
#include "loop/operation.h"
#include "memory/snapshot.h"
#include "process/procfs.h"
#include "tender.h"
#include "uc/uc.h"

/* A UC that has just answered needs 50 to 300 us: longer steps would be waited for in vain. */
#define STEP_FIRST_NS 20000
#define STEPS_SHORT 25
#define STEP_MAX_NS 500000

/*
 * A UC runs on its tender's core: it gets that by a yield, and keeps it until it rests, or has had its share.
 * It has not run only if it rests, or others have been let go first.
 */
static bool yield_to(pid_t pid, uint64_t *ran)
{
	uint64_t was = *ran;

	sched_yield();
	*ran = process_cpu_ns(pid);
	return *ran != was;
}

void rest_let_run(pid_t pid, uint64_t limit_ns)
{
	uint64_t end = now_ns() + limit_ns, ran = process_cpu_ns(pid);

	while (yield_to(pid, &ran) && now_ns() < end && !operation_pause_if_due())
		;
}

bool rest_await(pid_t pid, uint64_t limit_ns)
{
	uint64_t pause_ns = STEP_FIRST_NS;
	uint64_t end = now_ns() + limit_ns, ran = process_cpu_ns(pid);
	unsigned steps = 0;

	for (;;) {
		char state = 'R';

		/* While it runs there is no need to ask for its state, which takes as long as a step. */
		if (!yield_to(pid, &ran) || now_ns() >= end)
			state = procfs_state(pid);
		if (state != 'R' || now_ns() >= end)
			return state == 'S';
		if (++steps <= STEPS_SHORT ? operation_pause_if_due() : operation_sleep(pause_ns))
			return false;
		if (steps > STEPS_SHORT && pause_ns < STEP_MAX_NS)
			pause_ns *= 2;
	}
}

bool rest_link_is_quiet(const struct uc *uc)
{
	struct pollfd p = { .fd = uc->link.fd, .events = POLLIN };
	int unread = 0;

	if (uc->out.first || ioctl(uc->link.fd, SIOCOUTQ, &unread) < 0 || unread)
		return false;
	return poll(&p, 1, 0) == 0;
}

bool rest_awaits_message(const struct tender *t, const struct user_regs_struct *r)
{
	const struct libos_header *h = &t->libos.header;

	return r->rax == SYS_recvmsg && r->rdi == UC_LINK_FD && !(r->rdx & MSG_DONTWAIT) &&
	       r->rip >= h->hostcall_start && r->rip < h->hostcall_end;
}

bool rest_has_images_of(const struct uc *uc, const struct snapshot *s)
{
	if (uc->image_count != s->image_count)
		return false;
	for (int i = 0; i < uc->image_count; i++)
		if (uc->images[i] != s->images[i])
			return false;
	return true;
}
