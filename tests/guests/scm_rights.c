/* Descriptors and credentials sent over Unix sockets. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

union control {
	struct cmsghdr align;
	char bytes[1200];
};

static ssize_t send_fds(int s, const char *text, const int *fds, int count)
{
	union control c = { 0 };
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(count * 4)
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(count * 4);
	memcpy(CMSG_DATA(h), fds, count * 4);
	return sendmsg(s, &m, 0);
}

/* Bytes received; *count descriptors in fds, room for room. */
static ssize_t recv_fds(int s, char *buf, size_t size, int *fds, int *count, int room, int flags,
			int *msg_flags)
{
	union control c;
	struct iovec iov = { buf, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = room ? CMSG_LEN(room * 4) : 0 };
	ssize_t n = recvmsg(s, &m, flags);

	*count = 0;
	*msg_flags = m.msg_flags;
	for (struct cmsghdr *h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL; h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			*count = (h->cmsg_len - CMSG_LEN(0)) / 4;
			memcpy(fds, CMSG_DATA(h), *count * 4);
		}
	}
	return n;
}

static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_files(int type)
{
	int s[2], p[2], fds[8], count, flags;
	char buf[32];

	socketpair(AF_UNIX, type, 0, s);
	if (pipe(p))
		return;
	CHECK("send both ends", send_fds(s[0], "pipe", p, 2) == 4 && close(p[0]) == 0 && close(p[1]) == 0);
	CHECK("receive them", recv_fds(s[1], buf, 32, fds, &count, 2, MSG_CMSG_CLOEXEC, &flags) == 4 &&
				      count == 2 && !(flags & MSG_CTRUNC));
	CHECK("close on exec", fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
	CHECK("they work", write(fds[1], "x", 1) == 1 && read(fds[0], buf, 1) == 1);
	int bad = 994;
	CHECK("not open", FAILS(send_fds(s[0], "bad", &bad, 1), EBADF));
	CHECK("cut", send_fds(s[0], "cut", fds, 2) == 3 &&
			     recv_fds(s[1], buf, 32, fds + 2, &count, 1, 0, &flags) == 3 && count == 1 &&
			     (flags & MSG_CTRUNC));
	close(fds[2]);
	CHECK("no room", send_fds(s[0], "none", fds, 2) == 4 &&
				 recv_fds(s[1], buf, 32, fds + 2, &count, 0, 0, &flags) == 4 && count == 0 &&
				 (flags & MSG_CTRUNC));
	CHECK("plain read drops them", send_fds(s[0], "plain", fds, 1) == 5 && read(s[1], buf, 32) == 5);
	CHECK("peek copies them",
	      send_fds(s[0], "peek", fds, 1) == 4 &&
		      recv_fds(s[1], buf, 32, fds + 2, &count, 1, MSG_PEEK, &flags) == 4 && count == 1 &&
		      recv_fds(s[1], buf, 32, fds + 3, &count, 1, 0, &flags) == 4 && count == 1);
	close(fds[2]);
	close(fds[3]);
	send_fds(s[0], "unread", fds, 2);
	close(fds[0]);
	close(fds[1]);
	close(s[0]);
	close(s[1]);
}

static void test_stream_borders(void)
{
	int s[2], fds[4], count, flags, null = open("/dev/null", O_RDWR);
	char buf[32];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send(s[0], "abc", 3, 0);
	send_fds(s[0], "def", &null, 1);
	send(s[0], "ghi", 3, 0);
	ssize_t n = recv_fds(s[1], buf, 32, fds, &count, 4, 0, &flags);
	CHECK("they end what is read", n == 6 && count == 1);
	CHECK("then plain bytes", recv_fds(s[1], buf, 32, fds + 1, &count, 4, 0, &flags) == 3 && count == 0);
	close(fds[0]);
	send_fds(s[0], "def", &null, 1);
	CHECK("with the first byte", recv_fds(s[1], buf, 1, fds, &count, 4, 0, &flags) == 1 && count == 1);
	CHECK("only", recv_fds(s[1], buf, 32, fds + 1, &count, 4, 0, &flags) == 2 && count == 0);
	close(fds[0]);
	close(null);
	close(s[0]);
	close(s[1]);
}

static void test_closing(void)
{
	int s[2], p[2];
	char c;

	if (pipe(p))
		return;
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_fds(s[0], "x", &p[1], 1);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	CHECK("files in a closed socket are closed", read(p[0], &c, 1) == 0);
	close(p[0]);
	/* A chain of sockets, each in the queue of the next. */
	int last[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, last);
	for (int i = 0; i < 200; i++) {
		int next[2];
		socketpair(AF_UNIX, SOCK_STREAM, 0, next);
		if (send_fds(next[0], "x", &last[1], 1) != 1 || send_fds(next[0], "x", &last[0], 1) != 1)
			break;
		close(last[0]);
		close(last[1]);
		last[0] = next[0];
		last[1] = next[1];
	}
	CHECK("a long chain", close(last[0]) == 0 && close(last[1]) == 0);
}

static void test_credentials(void)
{
	int s[2], on = 1;
	union control c;
	char b;
	struct iovec iov = { &b, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	CHECK("SO_PASSCRED", setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
	CHECK("a message", send(s[0], "x", 1, 0) == 1 && recvmsg(s[1], &m, 0) == 1);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct ucred cred = { 0 };
	if (h)
		memcpy(&cred, CMSG_DATA(h), sizeof cred);
	CHECK("its credentials", h && h->cmsg_type == SCM_CREDENTIALS && cred.pid == getpid() &&
					 cred.uid == getuid() && cred.gid == getgid());
	memset(&c, 0, sizeof c);
	m.msg_controllen = CMSG_SPACE(sizeof cred);
	h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof cred),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(h), &cred, sizeof cred);
	CHECK("sent by hand", sendmsg(s[0], &m, 0) == 1);
	h->cmsg_len = 3;
	CHECK("bad control data", FAILS(sendmsg(s[0], &m, 0), EINVAL));
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	int before = open_count();

	test_files(SOCK_STREAM);
	test_files(SOCK_DGRAM);
	test_stream_borders();
	test_closing();
	test_credentials();
	CHECK("no descriptor is left", open_count() == before);
	printf("ok scm_rights\n");
	return check_result();
}
