/* Sockets: life, and all the blocking that they do. */
#include "sock.h"
#include "time/clock.h"

#include <asm/errno.h>
#include <asm/poll.h>

#include "event/anon.h"
#include "include/syscall.h"
#include "mm/mm.h"
#include "signal/signal.h"

void *sock_new(const struct sock_ops *ops, size_t bytes, int family, int type, int protocol)
{
	struct sock *s = kzalloc(bytes);

	if (!s)
		return NULL;
	s->ops = ops;
	s->refs = 1;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->ino = anon_next_ino();
	s->sndbuf = s->rcvbuf = SOCK_BUF_DEFAULT;
	s->sndtimeo_ns = s->rcvtimeo_ns = DEADLINE_NONE;
	waitq_init(&s->wait);
	list_init(&s->options);
	return s;
}

struct sock *sock_get(struct sock *s)
{
	s->refs++;
	return s;
}

void sock_put(struct sock *s)
{
	if (--s->refs)
		return;
	if (s->ops->destroy)
		s->ops->destroy(s);
	sockopt_clear(s);
	kfree(s);
}

void sock_inherit(struct sock *child, const struct sock *parent)
{
	child->sndbuf = parent->sndbuf;
	child->rcvbuf = parent->rcvbuf;
	child->sndtimeo_ns = parent->sndtimeo_ns;
	child->rcvtimeo_ns = parent->rcvtimeo_ns;
	child->reuse_addr = parent->reuse_addr;
	child->reuse_port = parent->reuse_port;
	child->pass_cred = parent->pass_cred;
	child->linger_on = parent->linger_on;
	child->linger_s = parent->linger_s;
}

static u64 sock_deadline(u64 timeout_ns)
{
	return timeout_ns == DEADLINE_NONE ? DEADLINE_NONE : deadline_after(timeout_ns);
}

/* Waits for s: 0 look again, -EAGAIN deadline over, else as sock_intr_errno of Linux. */
static int sock_block(struct sock *s, u64 deadline_ns)
{
	switch (waitq_wait(&s->wait, deadline_ns, true)) {
	case -ETIMEDOUT:
		return -EAGAIN;
	case -EINTR:
		return deadline_ns == DEADLINE_NONE ? -ERESTARTSYS : -EINTR;
	}
	return 0;
}

/* As sock_block, on *blocker if there is one; it is put. */
static int sock_block_on(struct sock *s, struct sock **blocker, bool nonblock, u64 deadline_ns)
{
	struct sock *other = *blocker;
	int r = nonblock ? -EAGAIN : sock_block(other ? other : s, deadline_ns);

	*blocker = NULL;
	if (other)
		sock_put(other);
	return r;
}

int sock_accept(struct sock *s, bool nonblock, struct sock **out)
{
	u64 deadline = sock_deadline(s->rcvtimeo_ns);
	int r;

	if (!s->ops->accept)
		return -EOPNOTSUPP;
	while ((r = s->ops->accept(s, out)) == -EAGAIN && !nonblock) {
		r = sock_block(s, deadline);
		if (r)
			return r;
	}
	return r;
}

static int sock_connect_wait(struct sock *s, u64 deadline_ns)
{
	int r;

	while ((r = s->ops->connected(s)) == -EINPROGRESS) {
		int why = sock_block(s, deadline_ns);
		if (why)
			return why == -EAGAIN ? -EINPROGRESS : why;
	}
	return r;
}

int sock_connect(struct sock *s, const struct sock_addr *addr, bool nonblock)
{
	u64 deadline = sock_deadline(s->sndtimeo_ns);
	struct sock *blocker = NULL;
	int r;

	while ((r = s->ops->connect(s, addr, &blocker)) == -EAGAIN) {
		r = sock_block_on(s, &blocker, nonblock, deadline);
		if (r)
			return r;
	}
	if (nonblock || (r != -EINPROGRESS && r != -EALREADY))
		return r;
	return sock_connect_wait(s, deadline);
}

ssize_t sock_send(struct sock *s, struct sock_msg *m, bool nonblock)
{
	u64 deadline = sock_deadline(s->sndtimeo_ns);
	ssize_t done = 0, r;

	if (m->flags & MSG_OOB && !s->ops->urgent)
		return -EOPNOTSUPP;
	for (;;) {
		r = s->ops->send(s, m);
		if (r >= 0) {
			done += r;
			if (!s->ops->stream || !m->uio->left)
				return done;
			continue;
		}
		if (r == -EAGAIN)
			r = sock_block_on(s, &m->blocker, nonblock, deadline);
		if (r)
			break;
	}
	if (done)
		return done;
	if (r == -EPIPE && s->type == SOCK_STREAM && !(m->flags & MSG_NOSIGNAL))
		signal_send_thread(current, SIGPIPE, NULL);
	return r;
}

/* Whether a stream's reader that wants all has to wait for more. */
static bool wants_more(const struct sock *s, const struct sock_msg *m)
{
	return s->ops->stream && m->flags & MSG_WAITALL && !(m->flags & MSG_PEEK) && m->uio->left &&
	       !m->scm.files;
}

ssize_t sock_recv(struct sock *s, struct sock_msg *m, bool nonblock)
{
	u64 deadline = sock_deadline(s->rcvtimeo_ns);
	ssize_t done = 0, r;

	m->nonblock = nonblock;
	if (m->flags & MSG_OOB && !s->ops->urgent)
		return -EOPNOTSUPP;
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	for (;;) {
		r = s->ops->recv(s, m);
		if (r >= 0) {
			done += r;
			if (!r || !wants_more(s, m))
				return done;
			continue;
		}
		if (r == -EAGAIN)
			r = nonblock ? -EAGAIN : sock_block(s, deadline);
		if (r)
			break;
	}
	if (!done)
		return r;
	/* What was read is told now, the end of the connection by the next call. */
	if (r == -ECONNRESET)
		s->error = r;
	return done;
}
