/* TCP on the loopback: binding, connecting, ends, errors, options. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "loopback.h"

static int tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int bind_to(int s, const char *ip, int port)
{
	struct sockaddr_in a = ipv4(ip, port);
	return bind(s, (void *)&a, sizeof a);
}

static int connect_to(int s, const char *ip, int port)
{
	struct sockaddr_in a = ipv4(ip, port);
	return connect(s, (void *)&a, sizeof a);
}

static void test_bind(void)
{
	int a = tcp(), b = tcp(), on = 1;

	CHECK("any port", bind_to(a, "127.0.0.1", 0) == 0 && port_of(a) > 1023);
	int port = port_of(a);
	CHECK("bound already", FAILS(bind_to(a, "127.0.0.1", 0), EINVAL));
	CHECK("taken", FAILS(bind_to(b, "127.0.0.1", port), EADDRINUSE));
	CHECK("taken by any", FAILS(bind_to(b, "0.0.0.0", port), EADDRINUSE));
	CHECK("free on another address", bind_to(b, "127.0.0.2", port) == 0);
	close(b);
	b = tcp();
	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	CHECK("reused while nobody listens",
	      int_option(b, SOL_SOCKET, SO_REUSEADDR) == 1 && bind_to(b, "127.0.0.1", port) == 0);
	CHECK("one listens", listen(a, 1) == 0 && FAILS(listen(b, 1), EADDRINUSE));
	close(b);
	b = tcp();
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	CHECK("not while one listens", FAILS(bind_to(b, "127.0.0.1", port), EADDRINUSE));
	close(a);
	CHECK("free again", bind_to(b, "127.0.0.1", port) == 0);
	close(b);
	a = tcp();
	b = tcp();
	setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	CHECK("SO_REUSEPORT", bind_to(a, "127.0.0.1", 0) == 0 && listen(a, 1) == 0 &&
				      bind_to(b, "127.0.0.1", port_of(a)) == 0 && listen(b, 1) == 0);
	close(a);
	close(b);
	a = tcp();
	CHECK("not ours", FAILS(bind_to(a, "8.8.8.8", 0), EADDRNOTAVAIL));
	struct sockaddr_in6 six = ipv6("::1", 0);
	CHECK("other family", FAILS(bind(a, (void *)&six, sizeof six), EAFNOSUPPORT));
	CHECK("short address", FAILS(bind(a, (void *)&six, 8), EINVAL));
	close(a);
}

static void test_connect(void)
{
	int l = tcp(), c = tcp();
	struct sockaddr_in a, b;
	socklen_t len = sizeof a;

	bind_to(l, "0.0.0.0", 0);
	int port = port_of(l);
	CHECK("nobody listens", FAILS(connect_to(c, "127.0.0.1", port), ECONNREFUSED));
	CHECK("listen",
	      listen(l, 5) == 0 && int_option(l, SOL_SOCKET, SO_ACCEPTCONN) == 1 && poll_events(l) == 0);
	CHECK("the same socket again", connect_to(c, "127.0.0.1", port) == 0);
	CHECK("connected already", FAILS(connect_to(c, "127.0.0.1", port), EISCONN));
	CHECK("readable listener", poll_events(l) == POLLIN);
	int s = accept4(l, (void *)&a, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK("accept", s >= 0 && len == sizeof a && fcntl(s, F_GETFL) == (O_RDWR | O_NONBLOCK) &&
				fcntl(s, F_GETFD) == FD_CLOEXEC);
	len = sizeof b;
	CHECK("the peer is the client", getsockname(c, (void *)&b, &len) == 0 && !memcmp(&a, &b, sizeof a) &&
						a.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK("the server's name", getsockname(s, (void *)&b, &len) == 0 && ntohs(b.sin_port) == port &&
					   b.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	close(c);
	close(s);
	c = tcp();
	CHECK("127.0.0.0/8", connect_to(c, "127.1.2.3", port) == 0);
	s = accept(l, NULL, NULL);
	CHECK("its names", getsockname(s, (void *)&b, &len) == 0 && b.sin_addr.s_addr == htonl(0x7f010203) &&
				   getsockname(c, (void *)&b, &len) == 0 &&
				   b.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	close(c);
	close(s);
	c = tcp();
	CHECK("0.0.0.0 is this host", connect_to(c, "0.0.0.0", port) == 0);
	close(c);
	close(accept(l, NULL, NULL));
	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK("nothing to accept", FAILS(accept(l, NULL, NULL), EAGAIN));
	CHECK("accept on a closed address", FAILS(accept(c = tcp(), NULL, NULL), EINVAL));
	struct sockaddr_in6 six = ipv6("::1", port);
	CHECK("other family", FAILS(connect(c, (void *)&six, sizeof six), EAFNOSUPPORT));
	close(c);
	close(l);
}

static void test_nonblocking(void)
{
	int l = tcp(), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	bind_to(l, "127.0.0.1", 0);
	CHECK("refused later", FAILS(connect_to(c, "127.0.0.1", port_of(l)), EINPROGRESS) &&
				       (poll_until(c, POLLERR) & POLLERR));
	CHECK("SO_ERROR", int_option(c, SOL_SOCKET, SO_ERROR) == ECONNREFUSED &&
				  int_option(c, SOL_SOCKET, SO_ERROR) == 0);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	listen(l, 1);
	CHECK("in progress", FAILS(connect_to(c, "127.0.0.1", port_of(l)), EINPROGRESS) &&
				     poll_until(c, POLLOUT) == POLLOUT);
	CHECK("made",
	      int_option(c, SOL_SOCKET, SO_ERROR) == 0 && connect_to(c, "127.0.0.1", port_of(l)) == 0);
	CHECK("told once", FAILS(connect_to(c, "127.0.0.1", port_of(l)), EISCONN));
	close(c);
	close(l);
}

static void test_data(void)
{
	struct connection c;
	char buf[32];
	int bytes;

	if (connection_open(&c))
		return;
	CHECK("nothing yet",
	      poll_events(c.server) == POLLOUT && FAILS(recv(c.server, buf, 1, MSG_DONTWAIT), EAGAIN));
	CHECK("send", send(c.client, "hello", 5, 0) == 5 && write(c.client, "world", 5) == 5);
	CHECK("peek", poll_until(c.server, POLLIN) == (POLLIN | POLLOUT) &&
			      recv(c.server, buf, 3, MSG_PEEK) == 3 && !memcmp(buf, "hel", 3));
	CHECK("wait for all", recv(c.server, buf, 10, MSG_WAITALL) == 10 && !memcmp(buf, "helloworld", 10));
	send(c.server, "0123456789", 10, 0);
	CHECK("FIONREAD",
	      poll_until(c.client, POLLIN) && ioctl(c.client, FIONREAD, &bytes) == 0 && bytes == 10);
	CHECK("thrown away",
	      recv(c.client, NULL, 4, MSG_TRUNC) == 4 && read(c.client, buf, 32) == 6 && buf[0] == '4');
	CHECK("of no length", recv(c.client, buf, 0, MSG_DONTWAIT) <= 0 && send(c.client, buf, 0, 0) == 0);
	CHECK("half closed", shutdown(c.client, SHUT_WR) == 0 && recv(c.server, buf, 1, 0) == 0 &&
				     poll_until(c.server, POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP));
	CHECK("no more sending", FAILS(send(c.client, "x", 1, MSG_NOSIGNAL), EPIPE));
	CHECK("the other way goes on", send(c.server, "y", 1, 0) == 1 && recv(c.client, buf, 9, 0) == 1);
	CHECK("both closed",
	      shutdown(c.server, SHUT_WR) == 0 &&
		      poll_until(c.client, POLLHUP) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
	close(c.client);
	close(c.server);
	close(c.listener);
	int s = tcp();
	CHECK("not connected", FAILS(recv(s, buf, 1, 0), ENOTCONN) &&
				       FAILS(send(s, "x", 1, MSG_NOSIGNAL), EPIPE) &&
				       FAILS(shutdown(s, SHUT_RD), ENOTCONN));
	close(s);
}

static void test_reset(void)
{
	struct connection c;
	struct linger no_linger = { 1, 0 };
	char buf[8];

	signal(SIGPIPE, SIG_IGN);
	if (connection_open(&c))
		return;
	send(c.client, "unread", 6, 0);
	poll_until(c.server, POLLIN);
	close(c.server);
	CHECK("closed with unread data",
	      (poll_until(c.client, POLLERR) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP) &&
		      FAILS(recv(c.client, buf, 1, 0), ECONNRESET));
	CHECK("then broken", recv(c.client, buf, 1, 0) == 0 && FAILS(send(c.client, "x", 1, 0), EPIPE));
	close(c.client);
	close(c.listener);

	if (connection_open(&c))
		return;
	setsockopt(c.client, SOL_SOCKET, SO_LINGER, &no_linger, sizeof no_linger);
	send(c.client, "last", 4, 0);
	poll_until(c.server, POLLIN);
	close(c.client);
	poll_until(c.server, POLLERR);
	CHECK("SO_LINGER 0 resets", FAILS(send(c.server, "x", 1, 0), ECONNRESET));
	close(c.server);
	close(c.listener);

	if (connection_open(&c))
		return;
	close(c.server);
	poll_until(c.client, POLLRDHUP);
	CHECK("closed cleanly", recv(c.client, buf, 1, 0) == 0);
	CHECK("the first send goes out", send(c.client, "x", 1, 0) == 1);
	poll_until(c.client, POLLHUP);
	CHECK("the next is told", FAILS(send(c.client, "x", 1, 0), EPIPE));
	close(c.client);
	close(c.listener);
}

static void *accept_one(void *arg)
{
	int s = accept(*(int *)arg, NULL, NULL);
	char buf[8];
	long n = 0, got;

	while ((got = read(s, buf, sizeof buf)) > 0)
		n += write(s, buf, got);
	close(s);
	return (void *)n;
}

static void *shut_later(void *arg)
{
	usleep(20000);
	shutdown(*(int *)arg, SHUT_RD);
	return NULL;
}

static void test_threads(void)
{
	int l = tcp(), c = tcp();
	char buf[64];
	pthread_t t;
	void *echoed;

	bind_to(l, "127.0.0.1", 0);
	listen(l, 5);
	pthread_create(&t, NULL, accept_one, &l);
	usleep(10000);
	connect_to(c, "127.0.0.1", port_of(l));
	long sum = 0;
	for (int i = 0; i < 100; i++) {
		if (write(c, "some bytes", 10) != 10)
			break;
		sum += recv(c, buf, 10, MSG_WAITALL);
	}
	shutdown(c, SHUT_WR);
	pthread_join(t, &echoed);
	CHECK("echo", sum == 1000 && (long)echoed == 1000 && read(c, buf, 1) == 0);
	pthread_create(&t, NULL, shut_later, &l);
	CHECK("shutdown ends an accept", FAILS(accept(l, NULL, NULL), EINVAL));
	pthread_join(t, NULL);
	close(l);
	close(c);
}

static void test_options(void)
{
	int s = tcp(), on = 1, big = 100000;
	struct linger l = { 1, 5 };
	socklen_t len = sizeof l;
	struct tcp_info info;

	CHECK("TCP_NODELAY", int_option(s, IPPROTO_TCP, TCP_NODELAY) == 0 &&
				     setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, 4) == 0 &&
				     int_option(s, IPPROTO_TCP, TCP_NODELAY) == 1);
	CHECK("keep-alive", setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, 4) == 0 &&
				    int_option(s, SOL_SOCKET, SO_KEEPALIVE) == 1);
	CHECK("out of range", FAILS(setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &big, 4), EINVAL) &&
				      setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &on, 4) == 0 &&
				      int_option(s, IPPROTO_TCP, TCP_KEEPIDLE) == 1);
	CHECK("buffer sizes are doubled", setsockopt(s, SOL_SOCKET, SO_RCVBUF, &big, 4) == 0 &&
						  int_option(s, SOL_SOCKET, SO_RCVBUF) == 200000);
	CHECK("linger", setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l) == 0 &&
				(memset(&l, 0, sizeof l), 1) &&
				getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len) == 0 && l.l_onoff == 1 &&
				l.l_linger == 5);
	CHECK("short option", FAILS(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, 2), EINVAL));
	CHECK("unknown option", FAILS(setsockopt(s, IPPROTO_TCP, 999, &on, 4), ENOPROTOOPT));
	CHECK("read-only option", FAILS(setsockopt(s, SOL_SOCKET, SO_TYPE, &on, 4), ENOPROTOOPT));
	CHECK("kinds", int_option(s, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP &&
			       int_option(s, SOL_SOCKET, SO_DOMAIN) == AF_INET);
	len = sizeof info;
	CHECK("TCP_INFO",
	      getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_CLOSE);
	CHECK("TTL", int_option(s, IPPROTO_IP, IP_TTL) == 64);
	close(s);
}

static int is_urgent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	return poll(&p, 1, 0) == 1 && p.revents == POLLPRI;
}

static void test_urgent(void)
{
	struct connection c;
	char buf[8];

	if (connection_open(&c))
		return;
	CHECK("no urgent byte", FAILS(recv(c.server, buf, 1, MSG_OOB), EINVAL) && !is_urgent(c.server));
	CHECK("one",
	      send(c.client, "abX", 3, MSG_OOB) == 3 && poll_until(c.server, POLLIN) && is_urgent(c.server));
	CHECK("read aside", recv(c.server, buf, 8, MSG_OOB) == 1 && buf[0] == 'X' && !is_urgent(c.server));
	CHECK("the others stay",
	      recv(c.server, buf, 8, 0) == 2 && FAILS(recv(c.server, buf, 8, MSG_DONTWAIT), EAGAIN));
	close(c.client);
	close(c.server);
	close(c.listener);
}

int main(void)
{
	test_bind();
	test_connect();
	test_nonblocking();
	test_data();
	test_reset();
	test_threads();
	test_options();
	test_urgent();
	printf("ok tcp_loopback\n");
	return check_result();
}
