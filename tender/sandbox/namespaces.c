#include "sandbox/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* The caller stays who it was, so that files are its own as before. */
static bool map_user(uid_t uid, gid_t gid)
{
	char text[64];

	snprintf(text, sizeof text, "%u %u 1", uid, uid);
	if (!write_file("/proc/self/uid_map", text) || !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(text, sizeof text, "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", text);
}

static bool mount_own_proc(int *host_proc)
{
	*host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *host_proc >= 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

/* Tells the parent whether all went well, so that it can do without. */
static bool settle(int report, unsigned long flags, uid_t uid, gid_t gid, int *host_proc)
{
	bool ok = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;

	if (flags & CLONE_NEWUSER)
		ok = ok && map_user(uid, gid);
	ok = ok && mount_own_proc(host_proc);
	if (write(report, &ok, sizeof ok) != sizeof ok)
		ok = false;
	close(report);
	return ok;
}

static pid_t enter(unsigned long flags, int *host_proc)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool ok = false;
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(report[0]);
		if (!settle(report[1], flags, uid, gid, host_proc))
			_exit(1);
		return 0;
	}
	close(report[1]);
	if (pid > 0 && read(report[0], &ok, sizeof ok) != sizeof ok)
		ok = false;
	close(report[0]);
	if (pid > 0 && !ok) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	return pid;
}

pid_t namespaces_enter(int *host_proc)
{
	pid_t pid;

	*host_proc = -1;
	pid = enter(NAMESPACES, host_proc);
	if (pid < 0)
		pid = enter(NAMESPACES | CLONE_NEWUSER, host_proc);
	return pid;
}
