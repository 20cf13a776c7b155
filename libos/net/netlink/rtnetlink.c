/* rtnetlink(7): links and addresses, for getifaddrs(3) and getaddrinfo(3). */
#include <asm/errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "lib/string.h"
#include "net/inet/lo.h"
#include "net/sock.h"
#include "netlink.h"

#define OPER_UNKNOWN 0
#define FOREVER (~0u)

static const u8 lo_hw[6];
static const u8 lo_ip4[4] = { 127, 0, 0, 1 };
static const u8 lo_ip6[16] = { [15] = 1 };

/* The answers together are far shorter than the room for them. */
static void *append(struct netlink_answer *a, u32 bytes)
{
	void *p = a->data + a->len;

	memset(p, 0, NLMSG_ALIGN(bytes));
	a->len += NLMSG_ALIGN(bytes);
	return p;
}

static struct nlmsghdr *begin(struct netlink_answer *a, u16 type, u16 flags)
{
	struct nlmsghdr *h = append(a, sizeof *h);

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = a->seq;
	h->nlmsg_pid = a->port;
	return h;
}

static void end(struct netlink_answer *a, struct nlmsghdr *h)
{
	h->nlmsg_len = a->data + a->len - (u8 *)h;
}

static void attribute(struct netlink_answer *a, u16 type, const void *value, u16 bytes)
{
	struct rtattr *r = append(a, RTA_LENGTH(bytes));

	r->rta_type = type;
	r->rta_len = RTA_LENGTH(bytes);
	memcpy(RTA_DATA(r), value, bytes);
}

static void attribute_u32(struct netlink_answer *a, u16 type, u32 value)
{
	attribute(a, type, &value, sizeof value);
}

static void put_link(struct netlink_answer *a, u16 flags)
{
	struct nlmsghdr *h = begin(a, RTM_NEWLINK, flags);
	struct ifinfomsg *i = append(a, sizeof *i);

	i->ifi_family = AF_UNSPEC;
	i->ifi_type = LO_TYPE;
	i->ifi_index = LO_INDEX;
	i->ifi_flags = LO_FLAGS;
	attribute(a, IFLA_IFNAME, LO_NAME, sizeof LO_NAME);
	attribute_u32(a, IFLA_TXQLEN, LO_TXQLEN);
	attribute(a, IFLA_OPERSTATE, (u8[]){ OPER_UNKNOWN }, 1);
	attribute_u32(a, IFLA_MTU, LO_MTU);
	attribute(a, IFLA_QDISC, "noqueue", sizeof "noqueue");
	attribute(a, IFLA_ADDRESS, lo_hw, sizeof lo_hw);
	attribute(a, IFLA_BROADCAST, lo_hw, sizeof lo_hw);
	end(a, h);
}

static void put_address(struct netlink_answer *a, int family)
{
	bool v4 = family == AF_INET;
	const void *ip = v4 ? lo_ip4 : lo_ip6;
	u16 bytes = v4 ? sizeof lo_ip4 : sizeof lo_ip6;
	struct ifa_cacheinfo life = { .ifa_prefered = FOREVER, .ifa_valid = FOREVER };
	struct nlmsghdr *h = begin(a, RTM_NEWADDR, NLM_F_MULTI);
	struct ifaddrmsg *m = append(a, sizeof *m);

	m->ifa_family = family;
	m->ifa_prefixlen = v4 ? 8 : 128;
	m->ifa_flags = IFA_F_PERMANENT;
	m->ifa_scope = RT_SCOPE_HOST;
	m->ifa_index = LO_INDEX;
	attribute(a, IFA_ADDRESS, ip, bytes);
	if (v4) {
		attribute(a, IFA_LOCAL, ip, bytes);
		attribute(a, IFA_LABEL, LO_NAME, sizeof LO_NAME);
	}
	attribute(a, IFA_CACHEINFO, &life, sizeof life);
	attribute_u32(a, IFA_FLAGS, IFA_F_PERMANENT);
	end(a, h);
}

static void put_done(struct netlink_answer *a)
{
	struct nlmsghdr *h = begin(a, NLMSG_DONE, NLM_F_MULTI);

	append(a, sizeof(s32));
	end(a, h);
}

static void put_error(struct netlink_answer *a, const struct nlmsghdr *request, int error)
{
	struct nlmsghdr *h = begin(a, NLMSG_ERROR, 0);
	struct nlmsgerr *e = append(a, sizeof *e);

	e->error = error;
	e->msg = *request;
	end(a, h);
}

/* The family that a dump asks for; a request may end before it. */
static int asked_family(const struct nlmsghdr *request)
{
	const struct rtgenmsg *g = NLMSG_DATA(request);

	return request->nlmsg_len >= NLMSG_LENGTH(sizeof *g) ? g->rtgen_family : AF_UNSPEC;
}

/* RTM_GETLINK without NLM_F_DUMP: one interface, by its index. */
static void get_link(struct netlink_answer *a, const struct nlmsghdr *request)
{
	const struct ifinfomsg *i = NLMSG_DATA(request);

	if (request->nlmsg_len < NLMSG_LENGTH(sizeof *i))
		put_error(a, request, -EINVAL);
	else if (i->ifi_index != LO_INDEX && i->ifi_index != 0)
		put_error(a, request, -ENODEV);
	else
		put_link(a, 0);
}

static void dump(struct netlink_answer *a, const struct nlmsghdr *request)
{
	int family = asked_family(request);

	if (request->nlmsg_type == RTM_GETLINK)
		put_link(a, NLM_F_MULTI);
	if (request->nlmsg_type == RTM_GETADDR && (family == AF_UNSPEC || family == AF_INET))
		put_address(a, AF_INET);
	if (request->nlmsg_type == RTM_GETADDR && (family == AF_UNSPEC || family == AF_INET6))
		put_address(a, AF_INET6);
	put_done(a);
}

void rtnetlink_answer(struct netlink_answer *a, const struct nlmsghdr *request)
{
	switch (request->nlmsg_type) {
	case RTM_GETLINK:
	case RTM_GETADDR:
	case RTM_GETROUTE:
	case RTM_GETNEIGH:
	case RTM_GETRULE:
		if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
			dump(a, request);
		else if (request->nlmsg_type == RTM_GETLINK)
			get_link(a, request);
		else
			put_error(a, request, -EOPNOTSUPP);
		return;
	default:
		put_error(a, request, request->nlmsg_type < RTM_BASE ? -EOPNOTSUPP : -EPERM);
	}
}
