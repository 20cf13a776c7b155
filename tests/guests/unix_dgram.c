/* AF_UNIX datagram sockets. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static socklen_t name_abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "%s.%d", name, getpid());
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1);
}

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	poll(&p, 1, 0);
	return p.revents;
}

static void test_pair(void)
{
	int s[2], bytes;
	char buf[16];

	CHECK("pair", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s) == 0);
	CHECK("messages",
	      send(s[0], "one", 3, 0) == 3 && send(s[0], "", 0, 0) == 0 && send(s[0], "three", 5, 0) == 5);
	CHECK("FIONREAD is the first", ioctl(s[1], FIONREAD, &bytes) == 0 && bytes == 3);
	CHECK("peek", recv(s[1], buf, 16, MSG_PEEK) == 3);
	CHECK("one", recv(s[1], buf, 16, 0) == 3 && !memcmp(buf, "one", 3));
	CHECK("an empty one", recv(s[1], buf, 16, 0) == 0);
	struct iovec iov = { buf, 2 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	CHECK("cut", recvmsg(s[1], &m, 0) == 2 && (m.msg_flags & MSG_TRUNC));
	CHECK("no more", FAILS(recv(s[1], buf, 16, 0), EAGAIN));
	struct iovec parts[3] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	m = (struct msghdr){ .msg_iov = parts, .msg_iovlen = 3 };
	CHECK("gathered",
	      sendmsg(s[0], &m, 0) == 3 && recv(s[1], buf, 16, MSG_TRUNC) == 3 && !memcmp(buf, "abc", 3));
	close(s[1]);
	CHECK("peer is gone", FAILS(send(s[0], "x", 1, 0), ECONNREFUSED));
	CHECK("and forgotten", FAILS(send(s[0], "x", 1, 0), ENOTCONN));
	close(s[0]);
}

static void test_names(void)
{
	struct sockaddr_un a, b, from;
	socklen_t a_len = name_abstract(&a, "dgram.a"), b_len = name_abstract(&b, "dgram.b"),
		  len = sizeof from;
	int x = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), y = socket(AF_UNIX, SOCK_DGRAM, 0);
	int z = socket(AF_UNIX, SOCK_DGRAM, 0), st = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[16];

	CHECK("nobody", FAILS(sendto(y, "x", 1, 0, (void *)&a, a_len), ECONNREFUSED));
	CHECK("no destination", FAILS(send(y, "x", 1, 0), ENOTCONN));
	bind(x, (void *)&a, a_len);
	CHECK("from one without a name", sendto(y, "x", 1, 0, (void *)&a, a_len) == 1 &&
						 recvfrom(x, buf, 16, 0, (void *)&from, &len) == 1 &&
						 len == 0);
	bind(y, (void *)&b, b_len);
	len = sizeof from;
	CHECK("from one with a name", sendto(y, "x", 1, 0, (void *)&a, a_len) == 1 &&
					      recvfrom(x, buf, 16, 0, (void *)&from, &len) == 1 &&
					      len == b_len && !memcmp(&from, &b, b_len));
	CHECK("connect",
	      connect(x, (void *)&b, b_len) == 0 && send(x, "y", 1, 0) == 1 && recv(y, buf, 16, 0) == 1);
	CHECK("a connected one takes from its peer only",
	      FAILS(sendto(z, "z", 1, 0, (void *)&a, a_len), EPERM));
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	CHECK("disconnect",
	      connect(x, &unspec, sizeof unspec) == 0 && sendto(z, "z", 1, 0, (void *)&a, a_len) == 1);
	CHECK("no listening", FAILS(listen(x, 1), EOPNOTSUPP) && FAILS(accept(x, NULL, NULL), EOPNOTSUPP));
	CHECK("wrong type", connect(st, (void *)&a, a_len) == -1);
	CHECK("too long", FAILS(sendto(z, malloc(1 << 20), 1 << 20, 0, (void *)&a, a_len), EMSGSIZE));
	CHECK("shutdown",
	      shutdown(x, SHUT_RDWR) == 0 && recv(x, buf, 16, 0) == 1 && FAILS(recv(x, buf, 16, 0), EAGAIN));
	fcntl(x, F_SETFL, 0);
	CHECK("end of file for who would wait", recv(x, buf, 16, 0) == 0);
	CHECK("nothing goes in", FAILS(sendto(z, "z", 1, MSG_NOSIGNAL, (void *)&a, a_len), EPIPE));
	close(x);
	close(y);
	close(z);
	close(st);
}

static void *read_later(void *arg)
{
	char buf[16];

	usleep(20000);
	return (void *)recv(*(int *)arg, buf, sizeof buf, 0);
}

static void test_full(void)
{
	struct sockaddr_un a;
	socklen_t len = name_abstract(&a, "dgram.full");
	int x = socket(AF_UNIX, SOCK_DGRAM, 0), y = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;
	pthread_t t;

	bind(x, (void *)&a, len);
	connect(y, (void *)&a, len);
	CHECK("writable", events(y) == POLLOUT);
	while (send(y, "msg", 3, 0) == 3)
		n++;
	CHECK("the queue is bounded",
	      n > 0 && n < 100000 && FAILS(send(y, "msg", 3, 0), EAGAIN) && events(y) == 0);
	fcntl(y, F_SETFL, 0);
	pthread_create(&t, NULL, read_later, &x);
	CHECK("a send waits for room", send(y, "msg", 3, 0) == 3);
	pthread_join(t, NULL);
	close(x);
	close(y);
}

int main(void)
{
	test_pair();
	test_names();
	test_full();
	printf("ok unix_dgram\n");
	return check_result();
}
