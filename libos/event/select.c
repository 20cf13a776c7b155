/* select(2), pselect6(2). */
#include <asm/errno.h>
#include <asm/poll.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "pollset.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/timespec.h"

#define SELECT_IN (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX POLLPRI

#define SETS 3
static const u32 set_bits[SETS] = { SELECT_IN, SELECT_OUT, SELECT_EX };

struct select_call {
	u32 nfds;
	u32 words;        /* of each set */
	u64 addr[SETS];   /* guest sets, 0: none */
	u64 *set[SETS];   /* asked for, then found */
	struct poll_item *items;
	u32 count;        /* items: descriptors in any of the sets, ascending */
};

static bool set_has(const struct select_call *c, int s, u32 fd)
{
	return c->set[s][fd / 64] >> (fd % 64) & 1;
}

static u32 fd_wants(const struct select_call *c, u32 fd)
{
	u32 want = 0;

	for (int s = 0; s < SETS; s++)
		if (set_has(c, s, fd))
			want |= set_bits[s];
	return want;
}

static int select_load(struct select_call *c)
{
	for (int s = 0; s < SETS; s++)
		if (c->addr[s] && copy_from_user(c->set[s], c->addr[s], c->words * sizeof(u64)))
			return -EFAULT;
	return 0;
}

static int select_open(struct select_call *c)
{
	for (u32 fd = 0; fd < c->nfds; fd++) {
		u32 want = fd_wants(c, fd);

		if (!want)
			continue;
		struct file *f = fd_get(fd);
		if (!f)
			return -EBADF;
		c->items[c->count++] = (struct poll_item){ .file = f, .want = want };
	}
	return 0;
}

/* Turns the sets into what was found; number of bits left. */
static int select_reduce(struct select_call *c)
{
	u32 item = 0;
	int bits = 0;

	for (u32 fd = 0; fd < c->nfds; fd++) {
		if (!fd_wants(c, fd))
			continue;
		u32 found = c->items[item++].found;
		for (int s = 0; s < SETS; s++) {
			if (!set_has(c, s, fd))
				continue;
			if (found & set_bits[s])
				bits++;
			else
				c->set[s][fd / 64] &= ~(1ull << (fd % 64));
		}
	}
	return bits;
}

static int select_store(const struct select_call *c)
{
	for (int s = 0; s < SETS; s++)
		if (c->addr[s] && copy_to_user(c->addr[s], c->set[s], c->words * sizeof(u64)))
			return -EFAULT;
	return 0;
}

static long select_run(struct select_call *c, u64 deadline_ns)
{
	long r = select_load(c);

	if (!r)
		r = select_open(c);
	if (!r)
		r = pollset_run(c->items, c->count, deadline_ns);
	for (u32 i = 0; i < c->count; i++)
		file_put(c->items[i].file);
	if (r < 0)
		return r == -EINTR ? -ERESTARTNOHAND : r;
	r = select_reduce(c);
	return select_store(c) ?: r;
}

static long do_select(int nfds, const u64 addr[SETS], u64 deadline_ns)
{
	struct select_call c = { .addr = { addr[0], addr[1], addr[2] } };

	if (nfds < 0)
		return -EINVAL;
	c.nfds = MIN(nfds, fd_limit());
	c.words = (c.nfds + 63) / 64;
	u64 set_bytes = c.words * sizeof(u64);
	void *memory = kzalloc(SETS * set_bytes + c.nfds * sizeof *c.items + 1);
	if (!memory)
		return -ENOMEM;
	for (int s = 0; s < SETS; s++)
		c.set[s] = (u64 *)((char *)memory + s * set_bytes);
	c.items = (struct poll_item *)((char *)memory + SETS * set_bytes);
	long r = select_run(&c, deadline_ns);
	kfree(memory);
	return r;
}

/* Deadline from a struct timeval; unlike a timespec it may hold a second or more of microseconds. */
static int timeval_deadline(u64 addr, u64 *deadline_ns)
{
	s64 tv[2];
	u64 ns;

	*deadline_ns = DEADLINE_NONE;
	if (!addr)
		return 0;
	if (copy_from_user(tv, addr, sizeof tv))
		return -EFAULT;
	if (tv[0] < 0 || tv[1] < 0 || tv[0] > INT64_MAX - tv[1] / 1000000)
		return -EINVAL;
	if (timespec_ns(tv[0] + tv[1] / 1000000, tv[1] % 1000000 * NSEC_PER_USEC, &ns))
		return -EINVAL;
	*deadline_ns = ns ? deadline_after(ns) : 0;
	return 0;
}

static void timeval_put_left(u64 addr, u64 deadline_ns)
{
	u64 now = clock_monotonic_ns();
	u64 left = deadline_ns > now ? deadline_ns - now : 0;
	s64 tv[2] = { left / NSEC_PER_SEC, left % NSEC_PER_SEC / NSEC_PER_USEC };

	if (addr)
		(void)!copy_to_user(addr, tv, sizeof tv);
}

long sys_select(const u64 a[6])
{
	u64 deadline_ns;
	int r = timeval_deadline(a[4], &deadline_ns);

	if (r)
		return r;
	long found = do_select(a[0], a + 1, deadline_ns);
	timeval_put_left(a[4], deadline_ns);
	return found;
}

long sys_pselect6(const u64 a[6])
{
	u64 mask[2] = { 0, 0 }; /* address and size */
	u64 deadline_ns;

	if (a[5] && copy_from_user(mask, a[5], sizeof mask))
		return -EFAULT;
	int r = timespec_deadline(a[4], &deadline_ns);
	if (!r)
		r = poll_take_mask(mask[0], mask[1]);
	if (r)
		return r;
	long found = do_select(a[0], a + 1, deadline_ns);
	timespec_put_left(a[4], deadline_ns);
	return found;
}
