#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "huge_image.h"
#include "namespaces.h"
#include "base.h"
#include "words.h"

#define NOFILE_WANTED (1u << 20)

/* A descriptor for every UC. A host that grants no more serves fewer UCs. */
static void raise_descriptor_limit(void)
{
	struct rlimit wanted = { NOFILE_WANTED, NOFILE_WANTED }, now;

	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		fatal(errno, "getrlimit NOFILE");
	now.rlim_cur = now.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &now) < 0)
		fatal(errno, "setrlimit NOFILE");
}

static void check_control_sockets(const struct launch *l)
{
	for (int i = 0; i < l->cpu_count; i++) {
		int type, fd = CONTROL_FD_FIRST + i;
		socklen_t bytes = sizeof type;

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0)
			fatal(errno, "descriptor %d: a control socket is expected", fd);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			fatal(errno, "control socket %d", fd);
	}
}

static void close_control_sockets(const struct launch *l, int except)
{
	for (int i = 0; i < l->cpu_count; i++)
		if (i != except)
			close(CONTROL_FD_FIRST + i);
}

/* pairs[i][j]: tender i's socket to tender j, -1 on the diagonal. */
static int *make_peer_sockets(int count)
{
	int *pairs = xcalloc((size_t)count * (size_t)count, sizeof *pairs);

	for (int i = 0; i < count; i++) {
		pairs[i * count + i] = -1;
		for (int j = 0; j < i; j++) {
			int pair[2];

			if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
				fatal(errno, "socketpair between tenders");
			pairs[i * count + j] = pair[0];
			pairs[j * count + i] = pair[1];
		}
	}
	return pairs;
}

static void close_row(const int *row, int count)
{
	for (int i = 0; i < count; i++)
		close_if_open(row[i]);
}

static pid_t start_tender(const struct launch *l, int index, const int *pairs, pid_t parent)
{
	pid_t pid = fork();

	if (pid < 0)
		fatal(errno, "fork of a tender");
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	close_control_sockets(l, index);
	for (int i = 0; i < l->cpu_count; i++)
		if (i != index)
			close_row(pairs + i * l->cpu_count, l->cpu_count);
	tender_main(l, index, pairs + index * l->cpu_count);
}

/* Runs as process 1 of the pid namespace, if there is one: its end is the end of all. */
static void __attribute__((noreturn)) supervise(struct launch *l)
{
	int *pairs = make_peer_sockets(l->cpu_count);
	pid_t tenders[PEERS_MAX];
	pid_t pid;
	int status;

	for (int i = 0; i < l->cpu_count; i++)
		l->packs[i] = words_pack_create();
	for (int i = 0; i < l->cpu_count; i++)
		tenders[i] = start_tender(l, i, pairs, getpid());
	for (int i = 0; i < l->cpu_count; i++) {
		close_row(pairs + i * l->cpu_count, l->cpu_count);
		close(l->packs[i]);
	}
	close_control_sockets(l, -1);
	for (;;) {
		pid = wait(&status);
		if (pid < 0)
			_exit(1);
		for (int i = 0; i < l->cpu_count; i++)
			if (tenders[i] == pid)
				_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
}

/* The process that lives in the new namespaces, if the host grants them. */
static void __attribute__((noreturn)) watch(struct launch *l, pid_t child)
{
	int status;

	close_control_sockets(l, -1);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fatal(errno, "wait for the tenders");
	memory_group_remove(&l->memory_group);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void bind_node(const struct launch *l)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(l->cpus[0], &set);
	if (sched_setaffinity(getppid(), sizeof set, &set) < 0)
		fatal(errno, "bind the node to core %d", l->cpus[0]);
}

void launch(struct launch *l)
{
	pid_t child;

	if (l->bind_node)
		bind_node(l);

	/*
	 * A Ctrl-C is for the node, which then ends its tenders. Not setsid(2): autogroup scheduling would part them from the
	 * node, which each message to a tender would then cost the processor.
	 */
	if (setpgid(0, 0) < 0 && errno != EPERM)
		fatal(errno, "setpgid");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fatal(errno, "PR_SET_PDEATHSIG");
	check_control_sockets(l);
	raise_descriptor_limit();
	libos_image_load(&l->libos, l->libos_path);
	if (l->memory_max)
		memory_group_make(&l->memory_group, l->memory_max);
	child = namespaces_enter(&l->host_proc);
	if (child > 0)
		watch(l, child);
	l->huge_fs = huge_fs_open();
	supervise(l);
}
