/* Copies between library OS memory and scattered guest memory. */
#include <linux/uio.h>

#include "fs.h"

/* The next piece of u, at most bytes long; elements of no length are stepped over. */
static u64 uio_piece(struct uio *u, u64 bytes, u64 *base)
{
	while (u->count > 0 && u->skip == u->iov->iov_len) {
		u->iov++;
		u->count--;
		u->skip = 0;
	}
	if (u->count <= 0)
		return 0;
	*base = (u64)u->iov->iov_base + u->skip;
	return MIN(bytes, u->iov->iov_len - u->skip);
}

static void uio_advance(struct uio *u, u64 bytes)
{
	u->skip += bytes;
	u->left -= bytes;
}

int uio_read(struct uio *u, void *dst, u64 bytes)
{
	u8 *to = dst;

	while (bytes) {
		u64 base;
		u64 n = uio_piece(u, bytes, &base);

		if (!n)
			return -EFAULT;
		if (u->kernel)
			memcpy(to, (const void *)base, n);
		else if (copy_from_user(to, base, n))
			return -EFAULT;
		uio_advance(u, n);
		to += n;
		bytes -= n;
	}
	return 0;
}

int uio_write(struct uio *u, const void *src, u64 bytes)
{
	const u8 *from = src;

	while (bytes) {
		u64 base;
		u64 n = uio_piece(u, bytes, &base);

		if (!n)
			return -EFAULT;
		if (u->kernel)
			memcpy((void *)base, from, n);
		else if (copy_to_user(base, from, n))
			return -EFAULT;
		uio_advance(u, n);
		from += n;
		bytes -= n;
	}
	return 0;
}

int uio_zero(struct uio *u, u64 bytes)
{
	while (bytes) {
		u64 base;
		u64 n = uio_piece(u, bytes, &base);

		if (!n)
			return -EFAULT;
		if (u->kernel)
			memset((void *)base, 0, n);
		else if (clear_user(base, n))
			return -EFAULT;
		uio_advance(u, n);
		bytes -= n;
	}
	return 0;
}
