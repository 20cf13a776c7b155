/* AF_UNIX stream and seqpacket sockets: names, connections, ends, back-pressure, credentials. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static char dir[] = "/tmp/unixXXXXXX";

static socklen_t name_path(struct sockaddr_un *a, const char *leaf)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof a->sun_path, "%s/%s", dir, leaf);
	return sizeof *a;
}

static socklen_t name_abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "%s.%d", name, getpid());
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1);
}

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	poll(&p, 1, 0);
	return p.revents;
}

static int error_of(int fd)
{
	int error = -1;
	socklen_t len = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	getsockopt(fd, SOL_SOCKET, name, &value, &len);
	return value;
}

static void test_create(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	char c;

	CHECK("flags", fcntl(s, F_GETFD) == FD_CLOEXEC && fcntl(s, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK("fstat", fstat(s, &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK("options", option(s, SO_TYPE) == SOCK_STREAM && option(s, SO_DOMAIN) == AF_UNIX &&
				 option(s, SO_PROTOCOL) == 0 && option(s, SO_ACCEPTCONN) == 0 &&
				 option(s, SO_ERROR) == 0);
	CHECK("unknown option", FAILS(setsockopt(s, SOL_SOCKET, 9999, &st, 4), ENOPROTOOPT));
	CHECK("other level", FAILS(setsockopt(s, IPPROTO_TCP, 1, &st, 4), EOPNOTSUPP));
	CHECK("not connected: send", FAILS(send(s, "x", 1, 0), ENOTCONN));
	CHECK("not connected: recv", FAILS(recv(s, &c, 1, 0), EINVAL));
	CHECK("not bound: listen", FAILS(listen(s, 1), EINVAL));
	CHECK("not listening: accept", FAILS(accept(s, NULL, NULL), EINVAL));
	CHECK("getpeername", FAILS(getpeername(s, (struct sockaddr *)&st, &(socklen_t){ 8 }), ENOTCONN));
	CHECK("bad type", FAILS(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT));
	CHECK("bad protocol", FAILS(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT));
	CHECK("bad family", FAILS(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT));
	CHECK("no socket", FAILS(listen(0, 1), ENOTSOCK));
	CHECK("not open", FAILS(listen(995, 1), EBADF));
	close(s);
}

static void test_names(void)
{
	struct sockaddr_un a, b;
	socklen_t len = name_path(&a, "names"), got = sizeof b;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	CHECK("no name", getsockname(s, (void *)&b, &got) == 0 && got == 2 && b.sun_family == AF_UNIX);
	CHECK("bind to a path",
	      bind(s, (void *)&a, len) == 0 && stat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode));
	got = sizeof b;
	CHECK("its name", getsockname(s, (void *)&b, &got) == 0 && !strcmp(a.sun_path, b.sun_path) &&
				  got == 2 + strlen(a.sun_path) + 1);
	name_path(&b, "names2");
	CHECK("bound already",
	      FAILS(bind(s, (void *)&b, len), EINVAL) && FAILS(stat(b.sun_path, &st), ENOENT));
	CHECK("taken", FAILS(bind(t, (void *)&a, len), EADDRINUSE));
	CHECK("not listening", FAILS(connect(t, (void *)&a, len), ECONNREFUSED));
	CHECK("open", FAILS(open(a.sun_path, O_RDWR), ENXIO));
	close(s);
	CHECK("nobody there", FAILS(connect(t, (void *)&a, len), ECONNREFUSED));
	CHECK("unlink", unlink(a.sun_path) == 0 && FAILS(connect(t, (void *)&a, len), ENOENT));
	name_path(&a, "no/such/dir");
	CHECK("no such directory", FAILS(bind(t, (void *)&a, len), ENOENT));
	len = name_abstract(&a, "abstract");
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK("abstract", bind(s, (void *)&a, len) == 0 && FAILS(bind(t, (void *)&a, len), EADDRINUSE));
	got = sizeof b;
	CHECK("abstract name", getsockname(s, (void *)&b, &got) == 0 && got == len && !memcmp(&a, &b, len));
	close(s);
	CHECK("free again", bind(t, (void *)&a, len) == 0);
	close(t);
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	got = sizeof b;
	CHECK("a chosen name", bind(t, (void *)&a, 2) == 0 && getsockname(t, (void *)&b, &got) == 0 &&
				       got == 8 && b.sun_path[0] == 0);
	a.sun_family = AF_INET;
	CHECK("wrong family", FAILS(bind(s = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, len), EINVAL));
	CHECK("long address", FAILS(bind(s, (void *)&a, sizeof a + 1), EINVAL));
	close(s);
	close(t);
}

static void test_connection(int type)
{
	struct sockaddr_un a, b;
	socklen_t len = name_path(&a, "conn"), got = sizeof b;
	int l = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0);
	char buf[64];

	bind(l, (void *)&a, len);
	CHECK("listen", listen(l, 2) == 0 && option(l, SO_ACCEPTCONN) == 1 && events(l) == 0);
	CHECK("connect", connect(c, (void *)&a, len) == 0 && events(l) == POLLIN && events(c) == POLLOUT);
	CHECK("again", FAILS(connect(c, (void *)&a, len), EISCONN));
	CHECK("send before accept", send(c, "early", 5, 0) == 5);
	int s = accept4(l, (void *)&b, &got, SOCK_CLOEXEC);
	CHECK("accept", s >= 0 && got == 2 && fcntl(s, F_GETFD) == FD_CLOEXEC);
	got = sizeof b;
	CHECK("names", getpeername(c, (void *)&b, &got) == 0 && !strcmp(b.sun_path, a.sun_path) &&
			       getsockname(s, (void *)&b, &got) == 0 && !strcmp(b.sun_path, a.sun_path));
	CHECK("receive", recv(s, buf, sizeof buf, 0) == 5 && !memcmp(buf, "early", 5));
	CHECK("nothing more", FAILS(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN));
	CHECK("peek",
	      send(s, "abcdef", 6, 0) == 6 && recv(c, buf, 3, MSG_PEEK) == 3 && !memcmp(buf, "abc", 3));
	struct ucred cred = { 0 };
	got = sizeof cred;
	CHECK("credentials", getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &got) == 0 &&
				     cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid());
	if (type == SOCK_STREAM) {
		int bytes;
		CHECK("FIONREAD", ioctl(c, FIONREAD, &bytes) == 0 && bytes == 6);
		CHECK("a stream has no borders",
		      send(s, "ghi", 3, 0) == 3 && recv(c, buf, sizeof buf, MSG_WAITALL | MSG_DONTWAIT) == 9);
		CHECK("an address is refused", FAILS(sendto(c, "x", 1, 0, (void *)&a, len), EISCONN));
	} else {
		CHECK("packets keep borders", send(s, "ghi", 3, 0) == 3 && recv(c, buf, sizeof buf, 0) == 6);
		CHECK("the rest is lost",
		      recv(c, buf, 2, MSG_TRUNC) == 3 && FAILS(recv(c, buf, 1, MSG_DONTWAIT), EAGAIN));
	}
	CHECK("shutdown", shutdown(c, SHUT_WR) == 0 && recv(s, buf, 1, 0) == 0 &&
				  events(s) == (POLLIN | POLLOUT | POLLRDHUP));
	CHECK("no more sending", FAILS(send(c, "x", 1, MSG_NOSIGNAL), EPIPE));
	CHECK("the other way goes on", send(s, "y", 1, 0) == 1 && recv(c, buf, 9, 0) == 1);
	send(s, "unread", 6, 0);
	close(c);
	CHECK("closed with unread data", recv(s, buf, 1, 0) == 0 || errno == ECONNRESET);
	CHECK("then end of file",
	      recv(s, buf, 1, 0) == 0 && events(s) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
	CHECK("broken", FAILS(send(s, "x", 1, MSG_NOSIGNAL), EPIPE));
	close(s);
	c = socket(AF_UNIX, type, 0);
	connect(c, (void *)&a, len);
	close(l);
	CHECK("never accepted", error_of(c) == ECONNRESET && recv(c, buf, 1, 0) == 0);
	close(c);
	unlink(a.sun_path);
}

static void *accept_later(void *arg)
{
	int l = *(int *)arg;

	usleep(20000);
	return (void *)(long)accept(l, NULL, NULL);
}

static void test_backlog(void)
{
	struct sockaddr_un a;
	socklen_t len = name_abstract(&a, "backlog");
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c[8], n = 0;
	pthread_t t;
	void *accepted;

	bind(l, (void *)&a, len);
	listen(l, 1);
	for (; n < 8; n++) {
		c[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c[n], (void *)&a, len))
			break;
	}
	CHECK("the backlog is full", n == 2 && FAILS(connect(c[n], (void *)&a, len), EAGAIN));
	pthread_create(&t, NULL, accept_later, &l);
	fcntl(c[n], F_SETFL, 0);
	CHECK("connect waits for room", connect(c[n], (void *)&a, len) == 0);
	pthread_join(t, &accepted);
	close((long)accepted);
	for (int i = 0; i <= n; i++)
		close(c[i]);
	struct timeval tv = { 0, 20000 };
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	while ((n = accept(l, NULL, NULL)) >= 0)
		close(n);
	CHECK("accept times out", FAILS(accept(l, NULL, NULL), EAGAIN));
	close(l);
}

static void *drain(void *arg)
{
	static char buf[50000];
	long sum = 0, n;

	while ((n = read(*(int *)arg, buf, sizeof buf)) > 0)
		sum += n;
	return (void *)sum;
}

static void test_flow(void)
{
	enum { BYTES = 3000000 };
	static char data[BYTES];
	int s[2];
	pthread_t t;
	void *sum;

	CHECK("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	struct timeval tv = { 0, 20000 }, got;
	socklen_t len = sizeof got;
	CHECK("time-out option", setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) == 0 &&
					 getsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &got, &len) == 0 &&
					 got.tv_usec == 20000);
	long n = send(s[0], data, BYTES, 0);
	CHECK("what fits is sent, then time is out", n > 0 && n < BYTES && (events(s[0]) & POLLOUT) == 0);
	CHECK("nothing fits", FAILS(send(s[0], data, BYTES, 0), EAGAIN));
	tv.tv_usec = 0;
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	pthread_create(&t, NULL, drain, &s[1]);
	CHECK("all is sent", send(s[0], data, BYTES, 0) == BYTES);
	close(s[0]);
	pthread_join(t, &sum);
	CHECK("all is received", (long)sum == n + BYTES);
	close(s[1]);
}

static volatile int sigpipes;

static void on_sigpipe(int signo)
{
	(void)signo;
	sigpipes++;
}

static void test_sigpipe(void)
{
	int s[2];

	signal(SIGPIPE, on_sigpipe);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	close(s[1]);
	CHECK("SIGPIPE", FAILS(write(s[0], "x", 1), EPIPE) && sigpipes == 1);
	CHECK("MSG_NOSIGNAL", FAILS(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE) && sigpipes == 1);
	close(s[0]);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_create();
	test_names();
	test_connection(SOCK_STREAM);
	test_connection(SOCK_SEQPACKET);
	test_backlog();
	test_flow();
	test_sigpipe();
	rmdir(dir);
	printf("ok unix_stream\n");
	return check_result();
}
