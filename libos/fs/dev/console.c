/* Descriptors 0, 1 and 2 of the guest. They look like pipes, so that Node.js writes to them synchronously. */
#include <asm/ioctls.h>
#include <linux/poll.h>

#include "dev.h"
#include "host/link.h"
#include "include/syscall.h"
#include "include/upcalls.h"
#include "vfs/fs.h"

#define PIECE_BYTES 16384u
#define FIRST_INO 3u
#define CONSOLE_DEV 0xdu

static ssize_t stdin_read(struct file *f, struct uio *u, u64 *pos)
{
	u64 size = MIN(u->left, PIECE_BYTES);

	(void)pos;
	if (!size)
		return 0;
	while (!link_stdin.bytes) {
		if (link_stdin.eof)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait(&link_stdin.readable, DEADLINE_NONE, true) == -EINTR)
			return -ERESTARTSYS;
	}
	return link_read(&link_stdin, u, size);
}

static u32 stdin_poll(struct file *f, struct poll_ctx *ctx)
{
	(void)f;
	poll_wait(ctx, &link_stdin.readable);
	if (link_stdin.bytes)
		return POLLIN | POLLRDNORM;
	return link_stdin.eof ? POLLHUP : 0;
}

static long stdin_ioctl(struct file *f, u32 cmd, u64 arg)
{
	(void)f;
	return cmd == FIONREAD ? put_user_u32(arg, (u32)MIN(link_stdin.bytes, (u64)INT32_MAX)) : -ENOTTY;
}

static ssize_t output_write(struct file *f, struct uio *u, u64 *pos)
{
	(void)pos;
	return link_write((u16)(u64)f->priv, u);
}

static u32 output_poll(struct file *f, struct poll_ctx *ctx)
{
	(void)f;
	(void)ctx;
	return POLLOUT | POLLWRNORM;
}

static int console_stat(struct file *f, struct stat *st)
{
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_dev = CONSOLE_DEV;
	st->st_ino = FIRST_INO + (f->priv ? (u64)f->priv - LINK_STDOUT + 1 : 0);
	st->st_uid = UC_UID;
	st->st_gid = UC_GID;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static const struct file_ops stdin_ops = {
	.read = stdin_read,
	.poll = stdin_poll,
	.ioctl = stdin_ioctl,
	.stat = console_stat,
};
static const struct file_ops output_ops = {
	.write = output_write,
	.poll = output_poll,
	.stat = console_stat,
};

static void install(const struct file_ops *ops, u32 flags, u64 link_type)
{
	struct file *f = file_new(ops, flags, (void *)link_type);

	if (!f || fd_install(f, 0, false) < 0)
		panic("no memory for the standard descriptors");
}

void console_install(void)
{
	install(&stdin_ops, O_RDONLY, 0);
	install(&output_ops, O_WRONLY, LINK_STDOUT);
	install(&output_ops, O_WRONLY, LINK_STDERR);
}
