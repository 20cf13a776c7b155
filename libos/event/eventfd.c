/* eventfd(2): a counter that can be waited for. */
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>

#include "anon.h"
#include "mm/mm.h"
#include "sys/calls.h"

#define EFD_SEMAPHORE 1u
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

#define EVENTFD_MAX (~0ull - 1)

struct eventfd {
	u64 count;
	bool semaphore;
	u64 ino;
	struct waitq wait;
};

static ssize_t eventfd_read(struct file *f, struct uio *u, u64 *pos)
{
	struct eventfd *e = f->priv;
	u64 value;

	(void)pos;
	if (u->left < sizeof value)
		return -EINVAL;
	while (e->count == 0) {
		int r = anon_wait(&e->wait, f->flags & O_NONBLOCK);
		if (r)
			return r;
	}
	value = e->semaphore ? 1 : e->count;
	e->count -= value;
	waitq_wake(&e->wait, POLLOUT | POLLWRNORM);
	return uio_write(u, &value, sizeof value) ?: (ssize_t)sizeof value;
}

static ssize_t eventfd_write(struct file *f, struct uio *u, u64 *pos)
{
	struct eventfd *e = f->priv;
	u64 value;

	(void)pos;
	if (u->left < sizeof value)
		return -EINVAL;
	if (uio_read(u, &value, sizeof value))
		return -EFAULT;
	if (value > EVENTFD_MAX)
		return -EINVAL;
	while (value > EVENTFD_MAX - e->count) {
		int r = anon_wait(&e->wait, f->flags & O_NONBLOCK);
		if (r)
			return r;
	}
	e->count += value;
	waitq_wake(&e->wait, POLLIN | POLLRDNORM);
	return sizeof value;
}

static u32 eventfd_poll(struct file *f, struct poll_ctx *ctx)
{
	struct eventfd *e = f->priv;

	poll_wait(ctx, &e->wait);
	return (e->count > 0 ? POLLIN : 0) | (e->count < EVENTFD_MAX ? POLLOUT : 0);
}

static int eventfd_stat(struct file *f, struct stat *st)
{
	struct eventfd *e = f->priv;

	return anon_stat(st, S_ANON_MODE, e->ino);
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.stat = eventfd_stat,
	.release = eventfd_release,
};

static long eventfd_create(u32 count, u32 flags)
{
	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	struct eventfd *e = kzalloc(sizeof *e);
	if (!e)
		return -ENOMEM;
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	e->ino = anon_next_ino();
	waitq_init(&e->wait);
	int fd = anon_install(&eventfd_ops, O_RDWR | (flags & EFD_NONBLOCK), e, flags & EFD_CLOEXEC);
	if (fd < 0)
		kfree(e);
	return fd;
}

long sys_eventfd(const u64 a[6])
{
	return eventfd_create(a[0], 0);
}

long sys_eventfd2(const u64 a[6])
{
	return eventfd_create(a[0], a[1]);
}
