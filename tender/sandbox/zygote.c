#include "sandbox/zygote.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/zygote_serve.h"
#include "sandbox/zygote_setup.h"

/* A zygote that takes longer is broken, or its host. */
#define REPLY_TIMEOUT_MS 10000

static int wait_reply(int sock)
{
	struct zygote_reply reply;
	struct iovec iov = { &reply, sizeof reply };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t n;

	while ((n = poll(&p, 1, REPLY_TIMEOUT_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return -ETIMEDOUT;
	n = recv_with_fds(sock, &iov, 1, NULL, 0, NULL, 0);
	if (n < 0)
		return (int)n;
	return n == sizeof reply ? reply.result : -EPIPE;
}

void zygote_start(struct zygote *z, const struct libos_image *libos, const struct privileges *privileges,
		  unsigned user)
{
	pid_t tender = getpid();
	int pair[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		fatal(errno, "socketpair for the zygote");
	z->pid = fork();
	if (z->pid < 0)
		fatal(errno, "fork of the zygote");
	if (z->pid == 0)
		zygote_serve(zygote_setup(pair[1], libos, privileges, user, tender),
			     libos->header.embryo_entry, tender);
	close(pair[1]);
	z->sock = pair[0];
	error = wait_reply(z->sock);
	if (error)
		fatal(-error, "start of the zygote");
}

int zygote_await(const struct zygote *z)
{
	return wait_reply(z->sock);
}

pid_t zygote_clone(const struct zygote *z, int link_fd, enum embryo_fetch fetch)
{
	static const enum zygote_request_type types[] = {
		[FETCH_NOTHING] = ZYGOTE_EMBRYO,
		[FETCH_ALL] = ZYGOTE_TOUCHED,
		[FETCH_EXACTLY] = ZYGOTE_EXACT,
	};
	struct zygote_request request = { .type = types[fetch] };
	struct iovec iov = { &request, sizeof request };
	ssize_t n = send_with_fds(z->sock, &iov, 1, &link_fd, 1, 0);

	return n < 0 ? (pid_t)n : wait_reply(z->sock);
}

int zygote_make_template(const struct zygote *z, const struct template_sources *from,
			 const struct working_set *set, struct zygote *made)
{
	struct zygote_request request = {
		.type = ZYGOTE_TEMPLATE,
		.image_count = from->image_count,
		.plan_count = from->plan_count,
		.layer_count = from->layer_count,
		.touch_count = set->count,
		.exact = set->exact,
	};
	struct iovec iov[2] = { { &request, sizeof request },
				{ (void *)set->touches, set->count * sizeof *set->touches } };
	int all[SEND_FDS_MAX], fd_count = from->image_count + from->plan_count + from->layer_count, pair[2];
	ssize_t n;

	if (fd_count + 1 > SEND_FDS_MAX || set->count > ZYGOTE_TOUCHES_MAX)
		return -E2BIG;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	all[0] = pair[1];
	memcpy(all + 1, from->fds, (size_t)fd_count * sizeof *all);
	n = send_with_fds(z->sock, iov, 2, all, fd_count + 1, 0);
	close(pair[1]);
	made->sock = pair[0];
	made->pid = n < 0 ? (pid_t)n : wait_reply(z->sock);
	if (made->pid < 0) {
		close(pair[0]);
		return made->pid;
	}
	return 0;
}
