/* UDP on the loopback. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "loopback.h"

static int udp(const char *ip, int port)
{
	struct sockaddr_in a = ipv4(ip, port);
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	return bind(s, (void *)&a, sizeof a) ? -1 : s;
}

static void test_datagrams(void)
{
	int a = udp("127.0.0.1", 0), b = udp("0.0.0.0", 0), bytes;
	struct sockaddr_in to_a = ipv4("127.0.0.1", port_of(a)), to_b = ipv4("127.0.0.1", port_of(b)), from;
	socklen_t len = sizeof from;
	char buf[32];

	CHECK("writable", poll_events(a) == POLLOUT);
	CHECK("send", sendto(b, "hello", 5, 0, (void *)&to_a, sizeof to_a) == 5 &&
			      sendto(b, "", 0, 0, (void *)&to_a, sizeof to_a) == 0);
	CHECK("readable",
	      poll_until(a, POLLIN) == (POLLIN | POLLOUT) && ioctl(a, FIONREAD, &bytes) == 0 && bytes == 5);
	CHECK("receive", recvfrom(a, buf, 32, 0, (void *)&from, &len) == 5 && len == sizeof from &&
				 !memcmp(&from, &to_b, sizeof from));
	CHECK("an empty one", recv(a, buf, 32, 0) == 0);
	CHECK("no more", FAILS(recv(a, buf, 32, MSG_DONTWAIT), EAGAIN));
	CHECK("no destination", FAILS(send(b, "x", 1, 0), EDESTADDRREQ));
	CHECK("cut",
	      sendto(b, "hello", 5, 0, (void *)&to_a, sizeof to_a) == 5 && recv(a, buf, 2, MSG_TRUNC) == 5);
	CHECK("too long", FAILS(sendto(b, malloc(70000), 70000, 0, (void *)&to_a, sizeof to_a), EMSGSIZE));
	CHECK("the longest", sendto(b, malloc(65507), 65507, 0, (void *)&to_a, sizeof to_a) == 65507 &&
				     recv(a, malloc(65507), 65507, 0) == 65507);
	struct sockaddr_in zero = ipv4("127.0.0.1", 0);
	CHECK("port 0", FAILS(sendto(b, "x", 1, 0, (void *)&zero, sizeof zero), EINVAL));
	struct timeval tv = { 0, 20000 };
	setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	CHECK("time out", FAILS(recv(a, buf, 32, 0), EAGAIN));
	CHECK("taken", udp("127.0.0.1", port_of(a)) == -1);
	CHECK("no connections", FAILS(listen(a, 1), EOPNOTSUPP) && FAILS(accept(a, NULL, NULL), EOPNOTSUPP));
	close(a);
	close(b);
}

static void test_connected(void)
{
	int a = udp("127.0.0.1", 0), b = socket(AF_INET, SOCK_DGRAM, 0), c = udp("127.0.0.1", 0);
	struct sockaddr_in to_a = ipv4("127.0.0.1", port_of(a)), to_b, peer;
	socklen_t len = sizeof peer;
	char buf[8];

	CHECK("getpeername", FAILS(getpeername(b, (void *)&peer, &len), ENOTCONN));
	CHECK("connect", connect(b, (void *)&to_a, sizeof to_a) == 0 &&
				 getpeername(b, (void *)&peer, &len) == 0 &&
				 !memcmp(&peer, &to_a, sizeof peer));
	CHECK("it has a name now", getsockname(b, (void *)&to_b, &len) == 0 &&
					   to_b.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
					   to_b.sin_port != 0);
	CHECK("send", send(b, "x", 1, 0) == 1 && recv(a, buf, 8, 0) == 1);
	CHECK("only from its peer", sendto(c, "c", 1, 0, (void *)&to_b, sizeof to_b) == 1 &&
					    sendto(a, "a", 1, 0, (void *)&to_b, sizeof to_b) == 1 &&
					    recv(b, buf, 8, 0) == 1 && buf[0] == 'a');
	close(a);
	CHECK("nobody there", send(b, "x", 1, 0) == 1 && (poll_until(b, POLLERR) & POLLERR) &&
				      FAILS(recv(b, buf, 8, 0), ECONNREFUSED));
	CHECK("told once", FAILS(recv(b, buf, 8, MSG_DONTWAIT), EAGAIN));
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	CHECK("disconnect",
	      connect(b, &unspec, sizeof unspec) == 0 && FAILS(send(b, "x", 1, 0), EDESTADDRREQ));
	CHECK("unconnected: not told", sendto(c, "x", 1, 0, (void *)&to_a, sizeof to_a) == 1 &&
					       FAILS(recv(c, buf, 8, MSG_DONTWAIT), EAGAIN));
	close(b);
	close(c);
}

static void test_many(void)
{
	enum { COUNT = 5 };
	int a = udp("127.0.0.1", 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to_a = ipv4("127.0.0.1", port_of(a)), from[COUNT];
	char text[COUNT][8], buf[COUNT][8];
	struct mmsghdr out[COUNT], in[COUNT];
	struct iovec out_iov[COUNT], in_iov[COUNT];

	for (int i = 0; i < COUNT; i++) {
		snprintf(text[i], 8, "msg%d", i);
		out_iov[i] = (struct iovec){ text[i], i + 1 };
		in_iov[i] = (struct iovec){ buf[i], 8 };
		out[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &out_iov[i],
							.msg_iovlen = 1,
							.msg_name = &to_a,
							.msg_namelen = sizeof to_a } };
		in[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &in_iov[i],
						       .msg_iovlen = 1,
						       .msg_name = &from[i],
						       .msg_namelen = sizeof from[i] } };
	}
	CHECK("sendmmsg", sendmmsg(b, out, COUNT, 0) == COUNT && out[2].msg_len == 3);
	CHECK("recvmmsg", recvmmsg(a, in, 3, 0, NULL) == 3 && in[2].msg_len == 3 &&
				  in[0].msg_hdr.msg_namelen == sizeof from[0] &&
				  ntohs(from[1].sin_port) == port_of(b));
	CHECK("those that are there",
	      recvmmsg(a, in, COUNT, MSG_WAITFORONE, NULL) == 2 && in[1].msg_len == 5);
	CHECK("none", FAILS(recvmmsg(a, in, COUNT, MSG_DONTWAIT, NULL), EAGAIN));
	close(a);
	close(b);
}

static void test_overflow(void)
{
	int a = udp("127.0.0.1", 0), b = socket(AF_INET, SOCK_DGRAM, 0), sent = 0, got = 0, small = 4096;
	struct sockaddr_in to_a = ipv4("127.0.0.1", port_of(a));
	char block[1000] = { 0 };

	setsockopt(a, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; i < 100; i++)
		sent += sendto(b, block, sizeof block, 0, (void *)&to_a, sizeof to_a) == sizeof block;
	while (recv(a, block, sizeof block, MSG_DONTWAIT) > 0)
		got++;
	CHECK("what does not fit is lost", sent == 100 && got > 0 && got < 100);
	close(a);
	close(b);
}

int main(void)
{
	test_datagrams();
	test_connected();
	test_many();
	test_overflow();
	printf("ok udp_loopback\n");
	return check_result();
}
