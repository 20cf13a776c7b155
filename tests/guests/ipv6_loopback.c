/* IPv6 on the loopback: ::1, IPv4 addresses in IPv6 sockets, IPV6_V6ONLY. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "loopback.h"

static int socket6(int type, int v6_only)
{
	int s = socket(AF_INET6, type, 0);

	setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
	return s;
}

static int bind6(int s, const char *ip, int port)
{
	struct sockaddr_in6 a = ipv6(ip, port);
	return bind(s, (void *)&a, sizeof a);
}

static int connect6(int s, const char *ip, int port)
{
	struct sockaddr_in6 a = ipv6(ip, port);
	return connect(s, (void *)&a, sizeof a);
}

static int connect4(const char *ip, int port)
{
	struct sockaddr_in a = ipv4(ip, port);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (!connect(s, (void *)&a, sizeof a))
		return s;
	int error = errno;
	close(s);
	errno = error;
	return -1;
}

static const char *text_of(int s, int peer)
{
	static char text[INET6_ADDRSTRLEN];
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;

	if (peer ? getpeername(s, (void *)&a, &len) : getsockname(s, (void *)&a, &len))
		return "none";
	return inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text);
}

static void test_tcp(void)
{
	int l = socket6(SOCK_STREAM, 0), c = socket6(SOCK_STREAM, 0);
	char buf[8];

	CHECK("bind to ::1", bind6(l, "::1", 0) == 0 && listen(l, 5) == 0);
	CHECK("connect", connect6(c, "::1", port_of(l)) == 0);
	int s = accept(l, NULL, NULL);
	CHECK("names", !strcmp(text_of(s, 0), "::1") && !strcmp(text_of(c, 1), "::1") &&
			       !strcmp(text_of(c, 0), "::1"));
	CHECK("data", send(c, "six", 3, 0) == 3 && recv(s, buf, 8, 0) == 3);
	CHECK("not over IPv4", FAILS(connect4("127.0.0.1", port_of(l)), ECONNREFUSED));
	close(c);
	close(s);
	close(l);
	CHECK("not ours", FAILS(bind6(l = socket6(SOCK_STREAM, 0), "2001:db8::1", 0), EADDRNOTAVAIL));
	struct sockaddr_in four = ipv4("127.0.0.1", 0);
	CHECK("IPv4 address", FAILS(bind(l, (void *)&four, sizeof four), EINVAL));
	CHECK("short address", FAILS(bind(l, (void *)&four, 8), EINVAL));
	close(l);
}

static void test_dual(void)
{
	int l = socket6(SOCK_STREAM, 0), c = socket6(SOCK_STREAM, 0);

	CHECK("default", int_option(l, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
	bind6(l, "::", 0);
	listen(l, 5);
	int port = port_of(l), four = connect4("127.0.0.1", port);
	int s = accept(l, NULL, NULL);
	CHECK("an IPv4 client", four >= 0 && !strcmp(text_of(s, 1), "::ffff:127.0.0.1") &&
					!strcmp(text_of(s, 0), "::ffff:127.0.0.1"));
	close(four);
	close(s);
	CHECK("an IPv4 address in IPv6", connect6(c, "::ffff:127.0.0.1", port) == 0);
	s = accept(l, NULL, NULL);
	CHECK("its names",
	      !strcmp(text_of(c, 0), "::ffff:127.0.0.1") && !strcmp(text_of(c, 1), "::ffff:127.0.0.1"));
	close(c);
	close(s);
	c = socket6(SOCK_STREAM, 0);
	CHECK("unspecified", connect6(c, "::", port) == 0 && !strcmp(text_of(c, 1), "::1"));
	close(c);
	struct sockaddr_in any = ipv4("0.0.0.0", port);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	CHECK("it holds the IPv4 port too", FAILS(bind(other, (void *)&any, sizeof any), EADDRINUSE));
	close(l);
	close(other);
}

static void test_v6_only(void)
{
	int l = socket6(SOCK_STREAM, 1), c = socket6(SOCK_STREAM, 1), on = 1;

	CHECK("set", int_option(l, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
	bind6(l, "::", 0);
	listen(l, 5);
	int port = port_of(l);
	CHECK("too late", FAILS(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), EINVAL));
	CHECK("no IPv4 client", FAILS(connect4("127.0.0.1", port), ECONNREFUSED));
	struct sockaddr_in any = ipv4("0.0.0.0", port);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	CHECK("the IPv4 port is free", bind(other, (void *)&any, sizeof any) == 0);
	CHECK("no IPv4 address", FAILS(connect6(c, "::ffff:127.0.0.1", port), ENETUNREACH));
	CHECK("nor to bind", FAILS(bind6(c, "::ffff:127.0.0.1", 0), EINVAL));
	close(other);
	close(l);
	close(c);
}

static void test_udp(void)
{
	int a = socket6(SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), c = socket6(SOCK_DGRAM, 0),
	    on = 1;
	struct sockaddr_in6 from;
	socklen_t len = sizeof from;
	char buf[8], text[INET6_ADDRSTRLEN];

	bind6(a, "::", 0);
	struct sockaddr_in four = ipv4("127.0.0.1", port_of(a));
	struct sockaddr_in6 six = ipv6("::1", port_of(a));
	CHECK("from IPv4",
	      sendto(b, "4", 1, 0, (void *)&four, sizeof four) == 1 &&
		      recvfrom(a, buf, 8, 0, (void *)&from, &len) == 1 &&
		      !strcmp(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text), "::ffff:127.0.0.1"));
	CHECK("answer", sendto(a, "4", 1, 0, (void *)&from, len) == 1 && recv(b, buf, 8, 0) == 1);
	CHECK("from IPv6", sendto(c, "6", 1, 0, (void *)&six, sizeof six) == 1 &&
				   recvfrom(a, buf, 8, 0, (void *)&from, &len) == 1 &&
				   !strcmp(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text), "::1"));
	CHECK("an IPv4 address on an IPv6 socket",
	      sendto(c, "x", 1, 0, (void *)&four, sizeof four) == 1 && recv(a, buf, 8, 0) == 1);
	setsockopt(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
	setsockopt(a, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
	char control[128];
	struct iovec iov = { buf, 8 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	int hops = -1, tclass = -1;
	CHECK("with control data",
	      sendto(c, "6", 1, 0, (void *)&six, sizeof six) == 1 && recvmsg(a, &m, 0) == 1);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&hops, CMSG_DATA(h), sizeof hops);
		if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_TCLASS)
			memcpy(&tclass, CMSG_DATA(h), sizeof tclass);
	}
	CHECK("hop limit and traffic class", hops == 64 && tclass == 0);
	close(a);
	close(b);
	close(c);
}

int main(void)
{
	test_tcp();
	test_dual();
	test_v6_only();
	test_udp();
	printf("ok ipv6_loopback\n");
	return check_result();
}
