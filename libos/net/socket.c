/* Socket system calls that move no data. */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "mm/mm.h"
#include "sock.h"
#include "sys/calls.h"

#define SOCK_TYPE_MASK 0xf
#define SOCK_FLAGS (O_CLOEXEC | O_NONBLOCK)

long sys_socket(const u64 a[6])
{
	u32 type = a[1];
	struct sock *s = NULL;

	if (type & ~(u32)(SOCK_TYPE_MASK | SOCK_FLAGS))
		return -EINVAL;
	int r = sock_create(a[0], type & SOCK_TYPE_MASK, a[2], &s);
	return r ?: sock_install(s, type & SOCK_FLAGS);
}

/* Two connected sockets, or -errno and none. */
static int sock_pair(int family, int type, int protocol, struct sock *s[2])
{
	int r = sock_create(family, type, protocol, &s[0]);

	if (r)
		return r;
	r = s[0]->ops->pair ? sock_create(family, type, protocol, &s[1]) : -EOPNOTSUPP;
	if (r) {
		s[0]->ops->close(s[0]);
		sock_put(s[0]);
		return r;
	}
	return s[0]->ops->pair(s[0], s[1]);
}

long sys_socketpair(const u64 a[6])
{
	u32 type = a[1];
	struct sock *s[2] = { NULL, NULL };
	int fds[2];

	if (type & ~(u32)(SOCK_TYPE_MASK | SOCK_FLAGS))
		return -EINVAL;
	int r = sock_pair(a[0], type & SOCK_TYPE_MASK, a[2], s);
	if (r)
		return r;
	fds[0] = sock_install(s[0], type & SOCK_FLAGS);
	fds[1] = sock_install(s[1], type & SOCK_FLAGS);
	r = MIN(MIN(fds[0], fds[1]), 0);
	if (!r && copy_to_user(a[3], fds, sizeof fds))
		r = -EFAULT;
	for (int i = 0; r && i < 2; i++)
		if (fds[i] >= 0)
			fd_close(fds[i]);
	return r;
}

long sys_bind(const u64 a[6])
{
	struct sock_addr addr;
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = sock_addr_read(&addr, a[1], a[2]);
	if (!r)
		r = s->ops->bind(s, &addr);
	file_put(f);
	return r;
}

long sys_listen(const u64 a[6])
{
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = s->ops->listen ? s->ops->listen(s, MIN((u32)a[1], SOCK_BACKLOG_MAX)) : -EOPNOTSUPP;
	file_put(f);
	return r;
}

/* Descriptor of an accepted socket whose peer's address goes to the guest; -errno closes it. */
static int accept_install(struct sock *s, u64 addr, u64 len_addr, u32 flags)
{
	struct sock_addr peer = { 0 };

	s->ops->name(s, true, &peer);
	int fd = sock_install(s, flags);
	if (fd < 0 || !addr)
		return fd;
	int r = sock_addr_write(&peer, addr, len_addr);
	if (r)
		fd_close(fd);
	return r ?: fd;
}

static long do_accept(const u64 a[6], u32 flags)
{
	struct sock *s, *child;
	struct file *f;

	if (flags & ~(u32)SOCK_FLAGS)
		return -EINVAL;
	int r = sock_of_fd(a[0], &f, &s);
	if (r)
		return r;
	r = sock_accept(s, f->flags & O_NONBLOCK, &child);
	file_put(f);
	return r ?: accept_install(child, a[1], a[2], flags);
}

long sys_accept(const u64 a[6])
{
	return do_accept(a, 0);
}

long sys_accept4(const u64 a[6])
{
	return do_accept(a, a[3]);
}

long sys_connect(const u64 a[6])
{
	struct sock_addr addr;
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = sock_addr_read(&addr, a[1], a[2]);
	if (!r)
		r = addr.len < sizeof addr.family ? -EINVAL : sock_connect(s, &addr, f->flags & O_NONBLOCK);
	file_put(f);
	return r;
}

static long get_name(const u64 a[6], bool peer)
{
	struct sock_addr addr = { 0 };
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = s->ops->name(s, peer, &addr);
	file_put(f);
	return r ?: sock_addr_write(&addr, a[1], a[2]);
}

long sys_getsockname(const u64 a[6])
{
	return get_name(a, false);
}

long sys_getpeername(const u64 a[6])
{
	return get_name(a, true);
}

long sys_shutdown(const u64 a[6])
{
	u32 how = a[1];
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = how > 2 ? -EINVAL : s->ops->shutdown(s, how + 1);
	file_put(f);
	return r;
}
