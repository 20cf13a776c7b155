#include "sandbox/zygote_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/filter.h"
#include "sandbox/vdso.h"

/* The node and its tenders go first. */
#define UC_NICE 10

/* Descriptors of the host; the guest's own are the library OS's. */
#define UC_NOFILE_MAX 256
#define KERNEL_SA_RESTORER 0x04000000u

/* rt_sigaction(2) as the kernel takes it: libc's has a restorer of its own. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fatal(errno, "PR_SET_PDEATHSIG");
	if (getppid() != parent)
		_exit(0);
}

/* Keeps 0..2, the socket and, until it is mapped, the library OS. */
static void arrange_descriptors(int sock, struct libos_image *libos)
{
	int image = fcntl(libos->fd, F_DUPFD_CLOEXEC, COMMAND_FD + 2);
	int command = fcntl(sock, F_DUPFD_CLOEXEC, COMMAND_FD + 2);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (image < 0 || command < 0 || null < 0)
		fatal(errno, "descriptors of the zygote");
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(command, COMMAND_FD) < 0 ||
	    dup2(image, COMMAND_FD + 1) < 0)
		fatal(errno, "descriptors of the zygote");
	if (close(UC_LINK_FD) < 0 && errno != EBADF)
		fatal(errno, "close");
	if (syscall(SYS_close_range, COMMAND_FD + 2, ~0u, 0) < 0)
		fatal(errno, "close_range (Linux 5.9 or newer is needed)");
	libos->fd = COMMAND_FD + 1;
}

static void mute(void)
{
	if (dup2(0, 2) < 0)
		fatal(errno, "dup2 of /dev/null");
}

/* Prefers UCs when the host runs out of memory; needs no privilege to raise. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1000", 4) != 4)
		fatal(errno, "/proc/self/oom_score_adj");
	close(fd);
}

/* What the host allows less of stays so. */
static void limit(int resource, const char *name, rlim_t value)
{
	struct rlimit r;

	if (getrlimit(resource, &r) < 0)
		fatal(errno, "limit %s", name);
	if (value > r.rlim_max)
		value = r.rlim_max;
	r = (struct rlimit){ value, value };
	if (setrlimit(resource, &r) < 0)
		fatal(errno, "limit %s", name);
}

/*
 * The kernel would write to these at each switch and at the exit, long after an embryo
 * has unmapped the thread block that they lie in.
 */
static void forget_thread_area(void)
{
	if (__rseq_size && syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32,
				   RSEQ_FLAG_UNREGISTER, RSEQ_SIG) < 0)
		fatal(errno, "unregister rseq");
	if (syscall(SYS_set_robust_list, NULL, 3 * sizeof(long)) < 0)
		fatal(errno, "set_robust_list");
}

static void install_handlers(const struct libos_header *h)
{
	static const int signals[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM };
	stack_t stack = { .ss_sp = (void *)h->altstack_base, .ss_size = h->altstack_bytes };
	struct kernel_sigaction action = {
		.handler = h->signal_entry,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | KERNEL_SA_RESTORER,
		.restorer = h->signal_restorer,
	};

	if (sigaltstack(&stack, NULL) < 0)
		fatal(errno, "sigaltstack");
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (syscall(SYS_rt_sigaction, signals[i], &action, NULL, 8) < 0)
			fatal(errno, "handler of signal %d", signals[i]);
}

/* What a spawner may have left ignored or blocked would be inherited by every UC. */
static void reset_signals(void)
{
	struct kernel_sigaction action = { .handler = (uint64_t)SIG_DFL };
	uint64_t none = 0;

	for (int s = 1; s < _NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			syscall(SYS_rt_sigaction, s, &action, NULL, 8);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8) < 0)
		fatal(errno, "signal mask");
}

/* The filter lets calls pass from where the zygote's own code lies, see filter.c. */
static void check_own_text(void)
{
	uint64_t text = (uint64_t)&check_own_text;

	if (text < (1ull << 40) || text >= (1ull << 47))
		fatal(0, "own code at %#lx, expected 1 TiB to 128 TiB", text);
}

/*
 * A UC that writes one byte must not get 2 MiB. Where the host gives huge pages to all who do not ask, they
 * are turned off, those of program text (huge_image.c) included.
 */
static void keep_anonymous_pages_small(void)
{
	char mode[64] = "";
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, mode, sizeof mode - 1) < 0)
			mode[0] = '\0';
		close(fd);
	}
	if (strstr(mode, "[always]") && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		fatal(errno, "PR_SET_THP_DISABLE");
}

int zygote_setup(int sock, const struct libos_image *libos, const struct privileges *privileges,
		 unsigned user, pid_t tender)
{
	struct libos_image image = *libos;
	int error;

	die_with(tender);
	check_own_text();
	arrange_descriptors(sock, &image);
	reset_signals();
	offer_to_oom_killer();
	/* The tender and the node, which all UCs wait for, go first. */
	if (setpriority(PRIO_PROCESS, 0, UC_NICE) < 0)
		fatal(errno, "setpriority");
	keep_anonymous_pages_small();
	error = libos_image_map(&image);
	if (error)
		fatal(-error, "map the library OS");
	close(image.fd);
	forget_thread_area();
	error = vdso_move();
	if (error)
		fatal(-error, "move the vDSO");
	privileges_drop(privileges, user);
	limit(RLIMIT_CORE, "CORE", 0);
	limit(RLIMIT_NOFILE, "NOFILE", UC_NOFILE_MAX);
	install_handlers(&image.header);
	/* A change of user has cleared it. */
	die_with(tender);
	error = filter_install(image.header.hostcall_start, image.header.hostcall_end);
	if (error)
		fatal(-error, "install the seccomp filter");
	mute();
	return COMMAND_FD;
}
