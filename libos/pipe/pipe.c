/* pipe(7): pipe, pipe2, reading, writing. */
#include "pipe.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include "event/anon.h"
#include "include/upcalls.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "sys/calls.h"

#define PIPE_CAPACITY 65536u
#define PIPE_CAPACITY_MAX 1048576u /* /proc/sys/fs/pipe-max-size */

struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof *p);

	if (!p)
		return NULL;
	bytequeue_init(&p->queue);
	p->capacity = PIPE_CAPACITY;
	p->ino = anon_next_ino();
	waitq_init(&p->wait);
	list_init(&p->named);
	return p;
}

void pipe_open_end(struct pipe *p, const struct file *f)
{
	if (file_readable(f)) {
		p->readers++;
		p->reader_opens++;
	}
	if (file_writable(f)) {
		p->writers++;
		p->writer_opens++;
	}
}

void pipe_close_end(struct pipe *p, const struct file *f)
{
	if (file_readable(f))
		p->readers--;
	if (file_writable(f))
		p->writers--;
	if (p->readers || p->writers) {
		waitq_wake(&p->wait, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
		return;
	}
	bytequeue_clear(&p->queue);
	list_del(&p->named);
	kfree(p);
}

/* Room for any atomic write: nobody blocks. */
static bool pipe_writable(const struct pipe *p)
{
	return p->capacity - p->queue.bytes >= PIPE_BUF;
}

static ssize_t pipe_read(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->priv;

	(void)pos;
	if (!u->left)
		return 0;
	while (!p->queue.bytes) {
		if (!p->writers)
			return 0;
		int r = anon_wait(&p->wait, f->flags & O_NONBLOCK);
		if (r)
			return r;
	}
	bool was_full = !pipe_writable(p);
	ssize_t n = bytequeue_pop(&p->queue, u, u->left);
	if (was_full)
		waitq_wake(&p->wait, POLLOUT | POLLWRNORM);
	return n;
}

/* Room for the next piece of a write with left bytes to go: up to PIPE_BUF goes whole or not at all. */
static u64 pipe_room(const struct pipe *p, u64 left, bool atomic)
{
	u64 room = p->capacity - p->queue.bytes;

	return atomic && room < left ? 0 : room;
}

static ssize_t pipe_write(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->priv;
	bool atomic = u->left <= PIPE_BUF;
	ssize_t done = 0, r = 0;

	(void)pos;
	while (u->left && r >= 0) {
		if (!p->readers) {
			signal_send_thread(current, SIGPIPE, NULL);
			r = -EPIPE;
			break;
		}
		u64 room = pipe_room(p, u->left, atomic);
		if (!room) {
			r = anon_wait(&p->wait, f->flags & O_NONBLOCK);
			continue;
		}
		r = bytequeue_push(&p->queue, u, room);
		if (r > 0) {
			done += r;
			waitq_wake(&p->wait, POLLIN | POLLRDNORM);
		}
	}
	return done ? done : r;
}

static u32 pipe_poll(struct file *f, struct poll_ctx *ctx)
{
	struct pipe *p = f->priv;
	u32 found = 0;

	poll_wait(ctx, &p->wait);
	if (file_readable(f)) {
		if (p->queue.bytes)
			found |= POLLIN | POLLRDNORM;
		if (!p->writers && f->pos != p->writer_opens)
			found |= POLLHUP;
	}
	if (file_writable(f)) {
		if (pipe_writable(p))
			found |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			found |= POLLERR;
	}
	return found;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->priv;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, p->queue.bytes);
}

static long pipe_set_capacity(struct pipe *p, u32 bytes)
{
	u64 capacity = PAGE_SIZE;

	while (capacity < bytes)
		capacity *= 2;
	if (capacity > PIPE_CAPACITY_MAX)
		return capacity > INT32_MAX ? -EINVAL : -EPERM;
	if (capacity < p->queue.bytes)
		return -EBUSY;
	p->capacity = capacity;
	waitq_wake(&p->wait, POLLOUT | POLLWRNORM);
	return capacity;
}

static long pipe_fcntl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->priv;

	return cmd == F_SETPIPE_SZ ? pipe_set_capacity(p, arg) : (long)p->capacity;
}

static int pipe_stat(struct file *f, struct stat *st)
{
	struct pipe *p = f->priv;

	return anon_stat(st, S_IFIFO_MODE, p->ino);
}

static void pipe_release(struct file *f)
{
	pipe_close_end(f->priv, f);
}

const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.stat = pipe_stat,
	.release = pipe_release,
};

/* A FIFO's stat comes from its inode. */
const struct file_ops fifo_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.release = pipe_release,
};

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops || f->ops == &fifo_ops;
}

/* One end at the lowest descriptor, counted in p; the error leaves p as it was. */
static int pipe_install(struct pipe *p, u32 flags)
{
	int fd = anon_install(&pipe_ops, flags & ~(u32)O_CLOEXEC, p, flags & O_CLOEXEC);

	if (fd >= 0)
		pipe_open_end(p, fd_peek(fd));
	return fd;
}

static long do_pipe(u64 addr, u32 flags)
{
	int fds[2];

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	struct pipe *p = pipe_new();
	if (!p)
		return -ENOMEM;
	fds[0] = pipe_install(p, O_RDONLY | flags);
	if (fds[0] < 0) {
		kfree(p);
		return fds[0];
	}
	fds[1] = pipe_install(p, O_WRONLY | flags);
	if (fds[1] >= 0 && !copy_to_user(addr, fds, sizeof fds))
		return 0;
	int error = fds[1] < 0 ? fds[1] : -EFAULT;
	if (fds[1] >= 0)
		fd_close(fds[1]);
	fd_close(fds[0]);
	return error;
}

long sys_pipe(const u64 a[6])
{
	return do_pipe(a[0], 0);
}

long sys_pipe2(const u64 a[6])
{
	return do_pipe(a[0], a[1]);
}
