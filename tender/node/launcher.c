#include "node/launcher.h"

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

#include "base/base.h"
#include "node/serve.h"
#include "sandbox/namespaces.h"

/* Contexts and snapshots take descriptors; the host may grant fewer. */
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

static void check_control_socket(void)
{
	socklen_t bytes = sizeof(int);
	int type;

	if (getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0)
		fatal(errno, "descriptor %d: a control socket is expected", CONTROL_FD);
	if (fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(CONTROL_FD, F_SETFL, O_NONBLOCK) < 0)
		fatal(errno, "control socket");
}

/* The tender lives in new namespaces, as process 1: with it all end that it has made. */
static void __attribute__((noreturn)) watch(struct launch *l, pid_t tender)
{
	int status;

	close(CONTROL_FD);
	while (waitpid(tender, &status, 0) < 0)
		if (errno != EINTR)
			fatal(errno, "wait for the tender");
	memory_group_remove(&l->memory_group);
	if (WIFSIGNALED(status))
		fatal(0, "it was killed by signal %d", WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

static void bind_node(const struct launch *l)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(l->cpu, &set);
	if (sched_setaffinity(getppid(), sizeof set, &set) < 0)
		fatal(errno, "bind the node to core %d", l->cpu);
}

void launch(struct launch *l)
{
	pid_t child;

	if (l->bind_node)
		bind_node(l);

	/*
	 * A Ctrl-C is for the node, which then ends its tenders. Not setsid(2): autogroup scheduling would
	 * part them from the node, which each message to a tender would then cost the processor.
	 */
	if (setpgid(0, 0) < 0 && errno != EPERM)
		fatal(errno, "setpgid");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fatal(errno, "PR_SET_PDEATHSIG");
	check_control_socket();
	raise_descriptor_limit();
	libos_image_load(&l->libos, l->libos_path);
	if (l->memory_max)
		memory_group_make(&l->memory_group, l->memory_group_name, l->memory_max);
	child = namespaces_enter(&l->host_proc);
	if (child > 0)
		watch(l, child);
	serve(l);
}
