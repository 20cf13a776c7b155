/*
 * /dev/seuss-fresh: random bytes that a clone has other ones of. Whoever keeps random state in memory (a
 * seed, a generator) puts it in such a place, and need not know when the UC is captured and deployed.
 *
 * A read fills its buffer, and that place is renewed in each UC that is deployed from a snapshot taken from
 * then on, before any guest code runs. A write of two u64, address and bytes, does the same with that place;
 * with 0 bytes it makes the place at the address an ordinary one again.
 */
#include "dev.h"
#include "fresh.h"
#include "lib/string.h"
#include "process/random.h"
#include "vfs/fs.h"

#define PLACES_MAX 16
#define PLACE_BYTES_MAX 4096u

struct place {
	u64 addr, bytes;
};

static struct place places[PLACES_MAX];
static u32 place_count;

/* The place at addr, or a new one; NULL when there are too many. */
static struct place *place_at(u64 addr)
{
	for (u32 i = 0; i < place_count; i++)
		if (places[i].addr == addr)
			return &places[i];
	if (place_count == PLACES_MAX)
		return NULL;
	return &places[place_count++];
}

static void forget(u64 addr)
{
	for (u32 i = 0; i < place_count; i++) {
		if (places[i].addr == addr) {
			places[i] = places[--place_count];
			return;
		}
	}
}

static int renew(const struct place *p)
{
	u8 piece[256];
	int err = 0;

	for (u64 done = 0; !err && done < p->bytes; done += sizeof piece) {
		u64 n = MIN(p->bytes - done, sizeof piece);

		random_bytes(piece, n);
		err = copy_to_user(p->addr + done, piece, n) ? -EFAULT : 0;
	}
	memset(piece, 0, sizeof piece);
	return err;
}

static ssize_t keep(u64 addr, u64 bytes)
{
	struct place *p;
	struct place fresh = { .addr = addr, .bytes = bytes };
	int err;

	if (bytes > PLACE_BYTES_MAX)
		return -EINVAL;
	if (!bytes) {
		forget(addr);
		return 0;
	}
	err = renew(&fresh);
	if (err)
		return err;
	p = place_at(addr);
	if (!p)
		return -ENOSPC;
	*p = fresh;
	return (ssize_t)bytes;
}

static ssize_t fresh_read(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)pos;
	if (!u->left)
		return 0;
	/* One place, in the guest's own memory. */
	if (u->kernel || u->count != 1 || u->skip)
		return -EINVAL;
	return keep((u64)u->iov->iov_base, u->left);
}

static ssize_t fresh_write(struct file *f, struct uio *u, u64 *pos)
{
	u64 place[2];
	ssize_t kept;

	(void)f;
	(void)pos;
	if (u->left != sizeof place)
		return -EINVAL;
	if (uio_read(u, place, sizeof place))
		return -EFAULT;
	kept = keep(place[0], place[1]);
	return kept < 0 ? kept : (ssize_t)sizeof place;
}

/* What the guest has unmapped or made read-only since is its own loss. */
void fresh_renew(void)
{
	for (u32 i = 0; i < place_count; i++)
		(void)renew(&places[i]);
}

const struct file_ops fresh_file_ops = {
	.read = fresh_read,
	.write = fresh_write,
};
