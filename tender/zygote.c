#include "zygote.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi/layout.h"
#include "util.h"
#include "zygote_setup.h"

#define REPLY_TIMEOUT_MS 10000

/* The first reply says that the zygote is locked down, later ones hold a process id or -errno. */
struct zygote_reply {
	int32_t result;
};

/* Leaves the zygote's stack for the embryo's: its own goes with the first unmap. */
static void __attribute__((noreturn)) enter_embryo(uint64_t entry)
{
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
			 :
			 : "r"(UC_SCRATCH_END), "r"(entry)
			 : "memory");
	__builtin_unreachable();
}

static void __attribute__((noreturn)) embryo(uint64_t entry, pid_t tender)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != tender)
		_exit(1);
	if (syscall(SYS_close_range, UC_LINK_FD + 1, ~0u, 0) < 0)
		_exit(1);
	enter_embryo(entry);
}

/* The link arrives as the lowest free descriptor, which is UC_LINK_FD. */
static int clone_embryo(int link_fd, uint64_t entry, pid_t tender)
{
	long pid;

	if (link_fd != UC_LINK_FD)
		return -EBADF;
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		embryo(entry, tender);
	return pid < 0 ? -errno : (int)pid;
}

static void __attribute__((noreturn)) serve(int sock, uint64_t entry, pid_t tender)
{
	struct zygote_reply reply = { 0 };
	char request;

	for (;;) {
		struct iovec out = { &reply, sizeof reply }, in = { &request, sizeof request };
		int fd = -1, count = 0;

		if (send_with_fds(sock, &out, 1, NULL, 0, 0) != sizeof reply)
			_exit(0);
		if (recv_with_fds(sock, &in, 1, &fd, 1, &count, 0) != sizeof request)
			_exit(0);
		reply.result = count == 1 ? clone_embryo(fd, entry, tender) : -EBADF;
		if (count == 1)
			close(fd);
	}
}

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

void zygote_start(struct zygote *z, const struct libos_image *libos, const struct privileges *privileges, unsigned user)
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
		serve(zygote_setup(pair[1], libos, privileges, user, tender), libos->header.embryo_entry, tender);
	close(pair[1]);
	z->sock = pair[0];
	error = wait_reply(z->sock);
	if (error)
		fatal(-error, "start of the zygote");
}

pid_t zygote_clone(const struct zygote *z, int link_fd)
{
	char request = 0;
	struct iovec iov = { &request, sizeof request };
	ssize_t n = send_with_fds(z->sock, &iov, 1, &link_fd, 1, 0);

	return n < 0 ? (pid_t)n : wait_reply(z->sock);
}
