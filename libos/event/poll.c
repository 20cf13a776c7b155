/* poll(2), ppoll(2). */
#include <asm/errno.h>
#include <asm/poll.h>

#include "mm/mm.h"
#include "pollset.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/timespec.h"

#define POLL_STACK_ITEMS 12
#define POLL_UNASKED (POLLERR | POLLHUP)

/* The guest's vector and ours, side by side. */
struct poll_call {
	struct pollfd *fds;
	struct poll_item *items;
	u32 count;
};

static void poll_open(struct poll_call *c)
{
	for (u32 i = 0; i < c->count; i++) {
		struct poll_item *it = &c->items[i];

		*it = (struct poll_item){ .want = (u16)c->fds[i].events | POLL_UNASKED };
		if (c->fds[i].fd < 0)
			continue;
		it->file = fd_get(c->fds[i].fd);
		if (!it->file)
			it->found = POLLNVAL;
	}
}

static void poll_close(struct poll_call *c)
{
	for (u32 i = 0; i < c->count; i++)
		if (c->items[i].file)
			file_put(c->items[i].file);
}

static int poll_call_run(struct poll_call *c, u64 addr, u64 deadline_ns)
{
	if (copy_from_user(c->fds, addr, c->count * sizeof *c->fds))
		return -EFAULT;
	poll_open(c);
	int found = pollset_run(c->items, c->count, deadline_ns);
	poll_close(c);
	if (found < 0)
		return found;
	for (u32 i = 0; i < c->count; i++)
		c->fds[i].revents = c->items[i].found;
	return copy_to_user(addr, c->fds, c->count * sizeof *c->fds) ? -EFAULT : found;
}

static long do_poll(u64 addr, u32 count, u64 deadline_ns)
{
	struct pollfd fds[POLL_STACK_ITEMS];
	struct poll_item items[POLL_STACK_ITEMS];
	struct poll_call c = { .fds = fds, .items = items, .count = count };
	bool large = count > POLL_STACK_ITEMS;
	long r = -ENOMEM;

	if (count > (u32)fd_limit())
		return -EINVAL;
	if (large) {
		c.fds = kmalloc(count * sizeof *c.fds);
		c.items = kmalloc(count * sizeof *c.items);
	}
	if (c.fds && c.items)
		r = poll_call_run(&c, addr, deadline_ns);
	if (large) {
		kfree(c.fds);
		kfree(c.items);
	}
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

long sys_poll(const u64 a[6])
{
	int timeout_ms = a[2];
	u64 deadline_ns = DEADLINE_NONE;

	if (timeout_ms >= 0)
		deadline_ns = timeout_ms ? deadline_after(timeout_ms * NSEC_PER_MSEC) : 0;
	return do_poll(a[0], a[1], deadline_ns);
}

long sys_ppoll(const u64 a[6])
{
	u64 deadline_ns;
	int r = timespec_deadline(a[2], &deadline_ns);

	if (!r)
		r = poll_take_mask(a[3], a[4]);
	if (r)
		return r;
	long found = do_poll(a[0], a[1], deadline_ns);
	timespec_put_left(a[2], deadline_ns);
	return found;
}
