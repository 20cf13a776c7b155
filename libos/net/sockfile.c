/* Sockets as files: read, write, poll, ioctl, close. */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>

#include "event/anon.h"
#include "mm/mm.h"
#include "scm.h"

#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC

static ssize_t sockfile_read(struct file *f, struct uio *u, u64 *pos)
{
	struct sock *s = f->priv;
	struct sock_msg m = { .uio = u, .scm = SCM_NONE };

	(void)pos;
	if (!u->left)
		return 0;
	ssize_t n = sock_recv(s, &m, f->flags & O_NONBLOCK);
	scm_drop(&m.scm);
	return n;
}

static ssize_t sockfile_write(struct file *f, struct uio *u, u64 *pos)
{
	struct sock *s = f->priv;
	struct sock_msg m = { .uio = u, .scm = SCM_NONE };

	(void)pos;
	return sock_send(s, &m, f->flags & O_NONBLOCK);
}

static u32 sockfile_poll(struct file *f, struct poll_ctx *ctx)
{
	struct sock *s = f->priv;

	poll_wait(ctx, &s->wait);
	return s->ops->poll(s);
}

static long sockfile_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct sock *s = f->priv;
	long value;

	switch (cmd) {
	case FIONREAD:
		value = s->ops->unread(s);
		break;
	case SIOCOUTQ:
		value = s->ops->unsent(s);
		break;
	case SIOCATMARK:
		value = 0;
		break;
	default:
		return ifreq_ioctl(cmd, arg);
	}
	return value < 0 ? value : put_user_u32(arg, value);
}

static int sockfile_stat(struct file *f, struct stat *st)
{
	struct sock *s = f->priv;

	return anon_stat(st, S_IFSOCK_MODE, s->ino);
}

static void sock_close(struct sock *s)
{
	s->ops->close(s);
	sock_put(s);
}

static void sockfile_release(struct file *f)
{
	sock_close(f->priv);
}

static const struct file_ops sockfile_ops = {
	.read = sockfile_read,
	.write = sockfile_write,
	.poll = sockfile_poll,
	.ioctl = sockfile_ioctl,
	.stat = sockfile_stat,
	.release = sockfile_release,
};

static bool file_is_socket(const struct file *f)
{
	return f->ops == &sockfile_ops;
}

struct sock *file_sock(struct file *f)
{
	return file_is_socket(f) ? f->priv : NULL;
}

int sock_of_fd(int fd, struct file **f, struct sock **s)
{
	*f = fd_get(fd);
	if (!*f || (*f)->flags & O_PATH) {
		if (*f)
			file_put(*f);
		return -EBADF;
	}
	*s = file_sock(*f);
	if (*s)
		return 0;
	file_put(*f);
	return -ENOTSOCK;
}

int sock_install(struct sock *s, u32 flags)
{
	int fd = anon_install(&sockfile_ops, O_RDWR | (flags & SOCK_NONBLOCK), s, flags & SOCK_CLOEXEC);

	if (fd < 0)
		sock_close(s);
	return fd;
}
