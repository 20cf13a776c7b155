/* getsockopt(2), setsockopt(2). */
#include "sockopt.h"

#include <asm/errno.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "process/ids.h"
#include "sys/calls.h"
#include "time/timespec.h"

#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304
#define CONGESTION "cubic"

struct linger_option {
	s32 on, seconds;
};

/* An option's value as the guest gave it. */
struct option_in {
	u64 addr;
	u32 len;
};

struct option_out {
	u64 addr, len_addr;
	u32 len; /* room */
};

/* ---- setsockopt ---- */

static int set_timeout(u64 *timeout_ns, const struct option_in *in)
{
	s64 tv[2];

	if (in->len < sizeof tv)
		return -EINVAL;
	if (copy_from_user(tv, in->addr, sizeof tv))
		return -EFAULT;
	if (tv[1] < 0 || tv[1] >= 1000000)
		return -EDOM;
	u64 ns = 0; /* a negative time does not wait, as on Linux */
	if (tv[0] >= 0)
		timespec_ns(tv[0], tv[1] * NSEC_PER_USEC, &ns);
	*timeout_ns = tv[0] == 0 && tv[1] == 0 ? DEADLINE_NONE : ns;
	return 0;
}

static int set_linger(struct sock *s, const struct option_in *in)
{
	struct linger_option l;

	if (in->len < sizeof l)
		return -EINVAL;
	if (copy_from_user(&l, in->addr, sizeof l))
		return -EFAULT;
	s->linger_on = l.on;
	s->linger_s = l.seconds;
	return 0;
}

static int set_socket_int(struct sock *s, int name, int value)
{
	switch (name) {
	case SO_REUSEADDR:
		s->reuse_addr = value;
		return 0;
	case SO_REUSEPORT:
		s->reuse_port = value;
		return 0;
	case SO_PASSCRED:
		s->pass_cred = value;
		return 0;
	case SO_SNDBUF:
		s->sndbuf = MAX(MIN((u32)value, SOCK_BUF_MAX) * 2, SNDBUF_MIN);
		waitq_wake(&s->wait, 0);
		return 0;
	case SO_RCVBUF:
		s->rcvbuf = MAX(MIN((u32)value, SOCK_BUF_MAX) * 2, RCVBUF_MIN);
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
	case SO_MARK:
		return -EPERM;
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_SNDLOWAT:
	case SO_ACCEPTCONN:
		return -ENOPROTOOPT;
	case SO_RCVLOWAT:
		return sockopt_store(s, SOL_SOCKET, name, value < 0 ? INT32_MAX : value ?: 1);
	default:
		return sockopt_store(s, SOL_SOCKET, name, value);
	}
}

static int set_socket(struct sock *s, int name, const struct option_in *in)
{
	u32 value;

	if (name == SO_BINDTODEVICE)
		return -EPERM;
	if (in->len < sizeof value)
		return -EINVAL;
	if (name == SO_LINGER)
		return set_linger(s, in);
	if (name == SO_SNDTIMEO_OLD || name == SO_SNDTIMEO_NEW)
		return set_timeout(&s->sndtimeo_ns, in);
	if (name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW)
		return set_timeout(&s->rcvtimeo_ns, in);
	return get_user_u32(&value, in->addr) ? -EFAULT : set_socket_int(s, name, value);
}

/* Multicast groups: nothing is ever received from one, so joining is a formality. */
static bool is_membership(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP || name == IP_MULTICAST_IF ||
		       name == IP_ADD_SOURCE_MEMBERSHIP || name == IP_DROP_SOURCE_MEMBERSHIP;
	return level == IPPROTO_IPV6 && (name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP);
}

static bool level_applies(const struct sock *s, int level)
{
	switch (level) {
	case IPPROTO_TCP:
		return s->protocol == IPPROTO_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return s->protocol == level;
	case IPPROTO_IP:
		return s->family == AF_INET || s->family == AF_INET6;
	case IPPROTO_IPV6:
		return s->family == AF_INET6;
	case SOL_NETLINK:
		return s->family == AF_NETLINK;
	}
	return false;
}

static int option_int(const struct option_in *in, int level, int *value)
{
	u8 byte;

	if (in->len >= sizeof *value)
		return copy_from_user(value, in->addr, sizeof *value);
	if (level != IPPROTO_IP || !in->len)
		return -EINVAL;
	if (copy_from_user(&byte, in->addr, 1))
		return -EFAULT;
	*value = byte;
	return 0;
}

static int set_congestion(const struct option_in *in)
{
	char name[16] = { 0 };

	if (copy_from_user(name, in->addr, MIN(in->len, sizeof name - 1)))
		return -EFAULT;
	return strcmp(name, CONGESTION) ? -ENOENT : 0;
}

static int set_protocol(struct sock *s, int level, int name, const struct option_in *in)
{
	int value;

	if (is_membership(level, name))
		return in->len < 4 ? -EINVAL : 0;
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_congestion(in);
	int r = option_int(in, level, &value);
	if (r)
		return r;
	if (s->ops->setopt) {
		r = s->ops->setopt(s, level, name, value);
		if (r != -ENOPROTOOPT)
			return r;
	}
	return sockopt_store(s, level, name, value);
}

long sys_setsockopt(const u64 a[6])
{
	struct option_in in = { .addr = a[3], .len = a[4] };
	int level = a[1], name = a[2];
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	if ((s32)in.len < 0)
		r = -EINVAL;
	else if (level == SOL_SOCKET)
		r = set_socket(s, name, &in);
	else if (level_applies(s, level))
		r = set_protocol(s, level, name, &in);
	else
		r = s->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
	file_put(f);
	return r;
}

/* ---- getsockopt ---- */

static int put_option(const struct option_out *out, const void *value, u32 len)
{
	u32 n = MIN(out->len, len);

	if (copy_to_user(out->addr, value, n))
		return -EFAULT;
	return put_user_u32(out->len_addr, n);
}

static int get_timeout(u64 timeout_ns, const struct option_out *out)
{
	s64 tv[2] = { 0, 0 };

	if (timeout_ns != DEADLINE_NONE) {
		tv[0] = timeout_ns / NSEC_PER_SEC;
		tv[1] = timeout_ns % NSEC_PER_SEC / NSEC_PER_USEC;
	}
	return put_option(out, tv, sizeof tv);
}

static int get_peer_cred(struct sock *s, const struct option_out *out)
{
	struct sock_addr peer;

	struct {
		s32 pid;
		u32 uid, gid;
	} cred = { 0, ~0u, ~0u };

	if (s->family == AF_UNIX && !s->ops->name(s, true, &peer)) {
		cred.pid = process_id();
		cred.uid = UC_UID;
		cred.gid = UC_GID;
	}
	return put_option(out, &cred, sizeof cred);
}

static int get_socket_int(struct sock *s, int name, int *value)
{
	switch (name) {
	case SO_REUSEADDR:
		*value = s->reuse_addr;
		return 0;
	case SO_REUSEPORT:
		*value = s->reuse_port;
		return 0;
	case SO_PASSCRED:
		*value = s->pass_cred;
		return 0;
	case SO_TYPE:
		*value = s->type;
		return 0;
	case SO_PROTOCOL:
		*value = s->protocol;
		return 0;
	case SO_DOMAIN:
		*value = s->family;
		return 0;
	case SO_ERROR:
		*value = -sock_take_error(s);
		return 0;
	case SO_SNDBUF:
		*value = s->sndbuf;
		return 0;
	case SO_RCVBUF:
		*value = s->rcvbuf;
		return 0;
	case SO_SNDLOWAT:
		*value = 1;
		return 0;
	}
	/* SO_ACCEPTCONN is the transport's to know. */
	int r = s->ops->getopt ? s->ops->getopt(s, SOL_SOCKET, name, value) : -ENOPROTOOPT;
	return r == -ENOPROTOOPT ? sockopt_load(s, SOL_SOCKET, name, value) : r;
}

static int get_socket(struct sock *s, int name, const struct option_out *out)
{
	struct linger_option l = { s->linger_on, s->linger_s };
	int value;

	switch (name) {
	case SO_LINGER:
		return put_option(out, &l, sizeof l);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return get_timeout(s->sndtimeo_ns, out);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return get_timeout(s->rcvtimeo_ns, out);
	case SO_PEERCRED:
		return get_peer_cred(s, out);
	case SO_COOKIE:
		return out->len < sizeof s->ino ? -EINVAL : put_option(out, &s->ino, sizeof s->ino);
	case SO_BINDTODEVICE:
		return put_option(out, "", 0);
	}
	return get_socket_int(s, name, &value) ?: put_option(out, &value, sizeof value);
}

static int get_tcp_info(struct sock *s, const struct option_out *out)
{
	struct tcp_info info = { 0 };
	int state;

	int r = s->ops->getopt(s, IPPROTO_TCP, TCP_INFO, &state);
	if (r)
		return r;
	info.tcpi_state = state;
	return put_option(out, &info, sizeof info);
}

static int get_protocol(struct sock *s, int level, int name, const struct option_out *out)
{
	int value, r = -ENOPROTOOPT;
	u8 byte;

	if (level == IPPROTO_TCP && name == TCP_INFO)
		return get_tcp_info(s, out);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return put_option(out, CONGESTION "\0\0\0\0\0\0\0\0\0\0", 16);
	if (s->ops->getopt)
		r = s->ops->getopt(s, level, name, &value);
	if (r == -ENOPROTOOPT)
		r = sockopt_load(s, level, name, &value);
	if (r)
		return r;
	byte = value;
	if (level == IPPROTO_IP && out->len && out->len < sizeof value && value == byte)
		return put_option(out, &byte, 1);
	return put_option(out, &value, sizeof value);
}

long sys_getsockopt(const u64 a[6])
{
	struct option_out out = { .addr = a[3], .len_addr = a[4] };
	int level = a[1], name = a[2];
	struct file *f;
	struct sock *s;
	int r = sock_of_fd(a[0], &f, &s);

	if (r)
		return r;
	if (get_user_u32(&out.len, out.len_addr))
		r = -EFAULT;
	else if ((s32)out.len < 0)
		r = -EINVAL;
	else if (level == SOL_SOCKET)
		r = get_socket(s, name, &out);
	else if (level_applies(s, level))
		r = get_protocol(s, level, name, &out);
	else
		r = s->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
	file_put(f);
	return r;
}
