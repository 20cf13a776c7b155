/* Socket system calls that move data. */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "mm/mm.h"
#include "scm.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/timespec.h"

#define MSG_BYTES_MAX (INT32_MAX & PAGE_MASK) /* as Linux's MAX_RW_COUNT */
#define MSG_STACK_IOV 8
#define MMSG_MAX 1024u

/* struct msghdr as the kernel sees it. */
struct guest_msghdr {
	u64 name;
	s32 name_len;
	u32 pad0;
	u64 iov, iov_count;
	u64 control, control_len;
	u32 flags;
	u32 pad1;
};

/* struct mmsghdr. */
struct guest_mmsghdr {
	struct guest_msghdr msg;
	u32 len;
	u32 pad;
};

/* A guest's vector, copied and checked. */
struct msg_iov {
	struct uio uio;
	struct iovec *iov;
	struct iovec stack[MSG_STACK_IOV];
};

static void msg_iov_single(struct msg_iov *v, u64 addr, u64 bytes)
{
	v->iov = v->stack;
	v->stack[0] = (struct iovec){ .iov_base = (void *)addr, .iov_len = MIN(bytes, MSG_BYTES_MAX) };
	v->uio = (struct uio){ .iov = v->iov, .count = 1, .left = v->stack[0].iov_len };
}

static void msg_iov_free(struct msg_iov *v)
{
	if (v->iov != v->stack)
		kfree(v->iov);
}

static int msg_iov_load(struct msg_iov *v, u64 addr, u64 count)
{
	u64 left = 0;

	if (count > UIO_MAXIOV)
		return -EMSGSIZE;
	v->iov = count > MSG_STACK_IOV ? kmalloc(count * sizeof *v->iov) : v->stack;
	if (!v->iov)
		return -ENOMEM;
	int r = copy_from_user(v->iov, addr, count * sizeof *v->iov) ? -EFAULT : 0;
	for (u64 i = 0; !r && i < count; i++) {
		if ((s64)v->iov[i].iov_len < 0)
			r = -EINVAL;
		v->iov[i].iov_len = MIN(v->iov[i].iov_len, MSG_BYTES_MAX - left);
		left += v->iov[i].iov_len;
	}
	if (r)
		msg_iov_free(v);
	v->uio = (struct uio){ .iov = v->iov, .count = count, .left = left };
	return r;
}

static bool nonblocking(const struct file *f, u32 flags)
{
	return f->flags & O_NONBLOCK || flags & MSG_DONTWAIT;
}

long sys_sendto(const u64 a[6])
{
	struct sock_addr addr;
	struct msg_iov v;
	struct file *f;
	struct sock *s;
	ssize_t r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	msg_iov_single(&v, a[1], a[2]);
	struct sock_msg m = { .uio = &v.uio, .flags = a[3], .scm = SCM_NONE };
	if (a[4]) {
		r = sock_addr_read(&addr, a[4], a[5]);
		m.addr = addr.len ? &addr : NULL;
	}
	if (!r)
		r = sock_send(s, &m, nonblocking(f, m.flags));
	file_put(f);
	return r;
}

long sys_recvfrom(const u64 a[6])
{
	struct sock_addr addr;
	struct msg_iov v;
	struct file *f;
	struct sock *s;
	ssize_t r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	addr.len = 0;
	msg_iov_single(&v, a[1], a[2]);
	struct sock_msg m = { .uio = &v.uio, .flags = a[3], .addr = &addr, .scm = SCM_NONE };
	r = sock_recv(s, &m, nonblocking(f, m.flags));
	scm_drop(&m.scm);
	file_put(f);
	if (r < 0 || !a[4])
		return r;
	return sock_addr_write(&addr, a[4], a[5]) ?: r;
}

static ssize_t send_one(struct file *f, struct sock *s, const struct guest_msghdr *h, u32 flags)
{
	struct sock_msg m = { .flags = flags, .scm = SCM_NONE };
	struct sock_addr addr;
	struct msg_iov v;
	ssize_t r;

	if (h->name && h->name_len) {
		r = sock_addr_read(&addr, h->name, MIN(h->name_len, (s32)sizeof addr.bytes));
		if (r)
			return r;
		m.addr = &addr;
	}
	r = msg_iov_load(&v, h->iov, h->iov_count);
	if (r)
		return r;
	m.uio = &v.uio;
	if (h->control && h->control_len)
		r = h->control_len > INT32_MAX ? -ENOBUFS : scm_parse(&m.scm, s, h->control, h->control_len);
	if (!r)
		r = sock_send(s, &m, nonblocking(f, flags));
	scm_drop(&m.scm);
	msg_iov_free(&v);
	return r;
}

/* Receives into what h describes; its name_len, control_len and flags are set. */
static ssize_t recv_one(struct file *f, struct sock *s, struct guest_msghdr *h, u32 flags)
{
	struct sock_msg m = { .flags = flags, .scm = SCM_NONE };
	struct sock_addr addr;
	struct msg_iov v;

	if (h->name && h->name_len < 0)
		return -EINVAL;
	ssize_t r = msg_iov_load(&v, h->iov, h->iov_count);
	if (r)
		return r;
	addr.len = 0;
	m.uio = &v.uio;
	m.addr = &addr;
	r = sock_recv(s, &m, nonblocking(f, flags));
	msg_iov_free(&v);
	if (r < 0)
		return r;
	struct scm_writer w = { .addr = h->control, .left = h->control ? h->control_len : 0 };
	scm_write(&w, s, &m.scm, flags & MSG_CMSG_CLOEXEC);
	h->control_len = w.used;
	h->flags = m.out_flags | (w.truncated ? MSG_CTRUNC : 0) | (flags & MSG_CMSG_CLOEXEC);
	if (h->name) {
		if (copy_to_user(h->name, addr.bytes, MIN((u32)h->name_len, addr.len)))
			return -EFAULT;
		h->name_len = addr.len;
	}
	return r;
}

long sys_sendmsg(const u64 a[6])
{
	struct guest_msghdr h;
	struct file *f;
	struct sock *s;
	ssize_t r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = copy_from_user(&h, a[1], sizeof h) ? -EFAULT : send_one(f, s, &h, a[2]);
	file_put(f);
	return r;
}

long sys_recvmsg(const u64 a[6])
{
	struct guest_msghdr h;
	struct file *f;
	struct sock *s;
	ssize_t r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	r = copy_from_user(&h, a[1], sizeof h) ? -EFAULT : recv_one(f, s, &h, a[2]);
	file_put(f);
	if (r >= 0 && copy_to_user(a[1], &h, sizeof h))
		return -EFAULT;
	return r;
}

long sys_sendmmsg(const u64 a[6])
{
	u32 count = MIN((u32)a[2], MMSG_MAX), done = 0;
	struct guest_mmsghdr h;
	struct file *f;
	struct sock *s;
	ssize_t r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	for (; done < count && r >= 0; done += r >= 0) {
		u64 addr = a[1] + done * sizeof h;

		r = copy_from_user(&h, addr, sizeof h) ? -EFAULT : send_one(f, s, &h.msg, a[3]);
		if (r >= 0 && put_user_u32(addr + offsetof(struct guest_mmsghdr, len), r))
			r = -EFAULT;
	}
	file_put(f);
	return done ? done : r;
}

static ssize_t recv_many(struct file *f, struct sock *s, const u64 a[6], u64 deadline_ns)
{
	u32 count = MIN((u32)a[2], MMSG_MAX), done = 0, flags = a[3] & ~MSG_WAITFORONE;
	struct guest_mmsghdr h;
	ssize_t r = 0;

	while (done < count) {
		u64 addr = a[1] + done * sizeof h;

		r = copy_from_user(&h, addr, sizeof h) ? -EFAULT : recv_one(f, s, &h.msg, flags);
		h.len = r;
		if (r >= 0 && copy_to_user(addr, &h, sizeof h))
			r = -EFAULT;
		if (r < 0)
			break;
		done++;
		if (a[3] & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* As Linux: the time is looked at after each message only. */
		if (clock_monotonic_ns() >= deadline_ns)
			break;
	}
	return done ? done : r;
}

long sys_recvmmsg(const u64 a[6])
{
	u64 deadline_ns;
	struct file *f;
	struct sock *s;
	int r = timespec_deadline(a[4], &deadline_ns);

	if (!r)
		r = sock_of_fd(a[0], &f, &s);
	if (r)
		return r;
	ssize_t done = recv_many(f, s, a, deadline_ns);
	file_put(f);
	if (a[4] && done >= 0)
		timespec_put_left(a[4], deadline_ns);
	return done;
}
