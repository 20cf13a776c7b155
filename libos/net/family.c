/* socket(2)'s choice: which transport serves a family, type and protocol. */
#include <asm/errno.h>

#include "sock.h"

static int inet_create(int family, int type, int protocol, struct sock **out)
{
	if (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP))
		*out = tcp_new(family);
	else if (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE))
		*out = udp_new(family, protocol ?: IPPROTO_UDP);
	else if (type == SOCK_RAW ||
		 (type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)))
		return type == SOCK_RAW ? -EPERM : -EACCES;
	else if (type == SOCK_STREAM || type == SOCK_DGRAM)
		return -EPROTONOSUPPORT;
	else
		return -ESOCKTNOSUPPORT;
	return 0;
}

static int unix_create(int family, int type, int protocol, struct sock **out)
{
	if (protocol && protocol != family)
		return -EPROTONOSUPPORT;
	if (type == SOCK_STREAM || type == SOCK_SEQPACKET)
		*out = unix_stream_new(type);
	else if (type == SOCK_DGRAM || type == SOCK_RAW)
		*out = unix_dgram_new();
	else
		return -ESOCKTNOSUPPORT;
	return 0;
}

static int netlink_create(int family, int type, int protocol, struct sock **out)
{
	(void)family;
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	*out = netlink_route_new(type);
	return 0;
}

static int packet_create(int family, int type, int protocol, struct sock **out)
{
	(void)family, (void)type, (void)protocol, (void)out;
	return -EPERM;
}

static const struct sock_family {
	int family;
	int (*create)(int family, int type, int protocol, struct sock **out);
} families[] = {
	{ AF_UNIX, unix_create },       { AF_INET, inet_create },     { AF_INET6, inet_create },
	{ AF_NETLINK, netlink_create }, { AF_PACKET, packet_create },
};

int sock_create(int family, int type, int protocol, struct sock **out)
{
	if (type < 0 || type > SOCK_SEQPACKET + 5)
		return -EINVAL;
	for (u32 i = 0; i < ARRAY_SIZE(families); i++) {
		if (families[i].family != family)
			continue;
		int r = families[i].create(family, type, protocol, out);
		return r ?: *out ? 0 : -ENOMEM;
	}
	return -EAFNOSUPPORT;
}
