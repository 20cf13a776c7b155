/*
 * /dev/seuss: the driver's line to the node, docs/reference/driver-protocol.md. A read with nothing there
 * parks the UC. A write of nothing lets all other threads run until they wait for something.
 */
#include <linux/poll.h>

#include "dev.h"
#include "host/link.h"
#include "time/clock.h"
#include "vfs/fs.h"

#define PIECE_BYTES 32768u
/* A thread that computes gets one turn. */
#define OTHERS_NS 5000000ull

ssize_t link_read(struct link_stream *s, struct uio *u, u64 size)
{
	u8 *piece = kmalloc(size);
	u64 n;

	if (!piece)
		return -ENOMEM;
	n = link_stream_take(s, piece, size);
	n = uio_write(u, piece, n) ? (u64)-EFAULT : n;
	kfree(piece);
	return (ssize_t)n;
}

static ssize_t seuss_read(struct file *f, struct uio *u, u64 *pos)
{
	u64 size = MIN(u->left, PIECE_BYTES);

	(void)pos;
	if (!size)
		return 0;
	while (!link_driver_in.bytes) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		link_park();
	}
	return link_read(&link_driver_in, u, size);
}

ssize_t link_write(u16 type, struct uio *u)
{
	u64 size = MIN(u->left, PIECE_BYTES), done = 0;
	u8 *piece = size ? kmalloc(size) : NULL;
	ssize_t ret = 0;

	if (!size)
		return 0;
	if (!piece)
		return -ENOMEM;
	while (u->left && !ret) {
		u64 n = MIN(u->left, size);

		ret = uio_read(u, piece, n);
		if (!ret) {
			link_send(type, 0, piece, n);
			done += n;
		}
	}
	kfree(piece);
	return done ? (ssize_t)done : ret;
}

static ssize_t seuss_write(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)pos;
	if (!u->left) {
		sched_run_others(OTHERS_NS);
		return 0;
	}
	/* The driver has booted: what comes now is for captures to find. */
	clock_catch_up();
	return link_write(LINK_DRIVER_OUT, u);
}

static u32 seuss_poll(struct file *f, struct poll_ctx *ctx)
{
	(void)f;
	poll_wait(ctx, &link_driver_in.readable);
	return POLLOUT | POLLWRNORM | (link_driver_in.bytes ? POLLIN | POLLRDNORM : 0);
}

const struct file_ops seuss_file_ops = {
	.read = seuss_read,
	.write = seuss_write,
	.poll = seuss_poll,
};
