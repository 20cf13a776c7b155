/* What programs ask about the network: getifaddrs, getaddrinfo, interface names. Looks at lo only. */
#define _GNU_SOURCE
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "loopback.h"

static void test_getifaddrs(void)
{
	struct ifaddrs *list = NULL;
	char v4[64] = "", mask4[64] = "", v6[64] = "";
	unsigned flags = 0;

	CHECK("getifaddrs", getifaddrs(&list) == 0 && list);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
			continue;
		flags = i->ifa_flags;
		if (i->ifa_addr->sa_family == AF_INET) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, v4, sizeof v4);
			inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_netmask)->sin_addr, mask4,
				  sizeof mask4);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, v6, sizeof v6);
		}
	}
	CHECK("lo has 127.0.0.1/8", !strcmp(v4, "127.0.0.1") && !strcmp(mask4, "255.0.0.0"));
	CHECK("lo has ::1", !strcmp(v6, "::1"));
	CHECK("lo is up",
	      (flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) == (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	if (list)
		freeifaddrs(list);
}

static void test_names(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	char name[IF_NAMESIZE] = "";
	int s = socket(AF_INET, SOCK_DGRAM, 0), found = 0;
	struct if_nameindex *list = if_nameindex();

	for (struct if_nameindex *i = list; i && i->if_name; i++)
		found += i->if_index == 1 && !strcmp(i->if_name, "lo");
	CHECK("if_nameindex", found == 1);
	if (list)
		if_freenameindex(list);
	CHECK("by name", if_nametoindex("lo") == 1);
	CHECK("by index", if_indextoname(1, name) && !strcmp(name, "lo"));
	CHECK("unknown", if_nametoindex("nosuch0") == 0);
	CHECK("address",
	      ioctl(s, SIOCGIFADDR, &r) == 0 &&
		      ((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK("MTU", ioctl(s, SIOCGIFMTU, &r) == 0 && r.ifr_mtu == 65536);
	CHECK("flags", ioctl(s, SIOCGIFFLAGS, &r) == 0 &&
			       (r.ifr_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK));
	strcpy(r.ifr_name, "nosuch0");
	CHECK("no such device", FAILS(ioctl(s, SIOCGIFFLAGS, &r), ENODEV));
	CHECK("not an ioctl of sockets", FAILS(ioctl(s, TIOCGWINSZ, &r), ENOTTY));
	close(s);
}

static void test_getaddrinfo(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *list = NULL;

	CHECK("numeric",
	      getaddrinfo("127.0.0.1", "80", &hints, &list) == 0 && list && list->ai_family == AF_INET);
	if (list)
		freeaddrinfo(list);
	list = NULL;
	CHECK("numeric, IPv6",
	      getaddrinfo("::1", "80", &hints, &list) == 0 && list && list->ai_family == AF_INET6);
	if (list)
		freeaddrinfo(list);
	list = NULL;
	hints.ai_flags = AI_ADDRCONFIG;
	int r = getaddrinfo("localhost", "80", &hints, &list);
	CHECK("localhost", r == 0 && list);
	if (list)
		freeaddrinfo(list);
}

struct request {
	struct nlmsghdr h;
	struct rtgenmsg g;
};

static void test_dump(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof a;
	struct request q = { .h = { .nlmsg_len = sizeof q,
				    .nlmsg_type = RTM_GETLINK,
				    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
				    .nlmsg_seq = 7 },
			     .g = { AF_UNSPEC } };
	static char buf[65536];

	CHECK("bind", bind(s, (void *)&a, sizeof a) == 0 && getsockname(s, (void *)&a, &len) == 0 &&
			      len == sizeof a && a.nl_pid != 0);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	CHECK("ask", sendto(s, &q, sizeof q, 0, (void *)&kernel, sizeof kernel) == sizeof q);
	int links = 0, done = 0, wrong = 0;
	while (!done) {
		long size = recv(s, buf, sizeof buf, MSG_PEEK | MSG_TRUNC);
		long n = recv(s, buf, sizeof buf, 0);
		wrong += n != size;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			wrong += h->nlmsg_seq != 7 || h->nlmsg_pid != a.nl_pid;
			done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
			if (h->nlmsg_type == RTM_NEWLINK)
				links += ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index == 1;
		}
	}
	CHECK("lo is told", links == 1 && wrong == 0);
	close(s);
	CHECK("other protocols", FAILS(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT));
}

int main(void)
{
	test_getifaddrs();
	test_names();
	test_getaddrinfo();
	test_dump();
	printf("ok netlink\n");
	return check_result();
}
