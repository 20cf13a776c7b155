#include "uc/idle_limit.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "abi/control.h"
#include "process/process_read.h"
#include "tender.h"
#include "uc/uc.h"

/*
 * A driver that reads its next message stops all threads and timers, and uses no processor time. Before that
 * there may be garbage to collect, and a turn of an event loop to make.
 */
#define IDLE_CPU_NS 200000000ull

static void enter(struct uc *uc, enum uc_idle idle)
{
	uc->idle.state = idle;
	uc->idle.from_ns = 0;
	uc->idle.untaken = 0;
}

void idle_limit_begin(struct uc *uc)
{
	enter(uc, UC_IDLE);
}

void idle_limit_note_message(struct uc *uc)
{
	enter(uc, UC_ASKED);
}

/*
 * Of what was sent to it: in the queue, in the link, or where its library OS keeps it for the driver. What
 * that says is the guest's own word, so it decides about that guest's message alone.
 */
static uint64_t untaken(const struct tender *t, const struct uc *uc)
{
	uint64_t address = t->libos.header.driver_in_bytes, bytes = 0;
	struct iovec word = { (void *)address, sizeof bytes };
	int unread = 0;

	if (ioctl(uc->link.fd, SIOCOUTQ, &unread) < 0 ||
	    (address && process_read(uc->pid, &word, 1, &bytes, sizeof bytes)))
		return 0;
	return uc->out.bytes + (uint64_t)unread + bytes;
}

/*
 * Killed, it runs no more on this core. A message that it has not taken by then is another UC's; one that it
 * took in the last moment is lost with it.
 */
static void end(const struct tender *t, struct uc *uc)
{
	uc_kill(uc, CONTROL_EXIT_IDLE);
	if (uc->idle.state == UC_ASKED && uc->exit_reason == CONTROL_EXIT_IDLE && !untaken(t, uc))
		uc->exit_reason = CONTROL_EXIT_KILLED;
}

void idle_limit_check(const struct tender *t, struct uc *uc, uint64_t cpu_ns)
{
	uint64_t left = 0;

	if (uc->idle.state == UC_AT_WORK || uc->state != UC_RUNNING)
		return;
	if (uc->idle.state == UC_ASKED) {
		left = untaken(t, uc);
		if (!left) {
			uc->idle.state = UC_AT_WORK;
			return;
		}
	}
	/* A long message is taken bit by bit. */
	if (!uc->idle.from_ns || cpu_ns < uc->idle.from_ns || left != uc->idle.untaken) {
		uc->idle.from_ns = cpu_ns;
		uc->idle.untaken = left;
	} else if (cpu_ns - uc->idle.from_ns > IDLE_CPU_NS) {
		end(t, uc);
	}
}
