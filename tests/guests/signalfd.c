/* signalfd: signals as records. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "check.h"

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, 0);
}

static void *kill_later(void *arg)
{
	(void)arg;
	usleep(20000);
	kill(getpid(), SIGUSR2);
	return NULL;
}

int main(void)
{
	struct signalfd_siginfo info[4];
	sigset_t set, pending;
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK("create", fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK("nothing", readable(fd) == 0 && FAILS(read(fd, info, sizeof info), EAGAIN));
	CHECK("short read", FAILS(read(fd, info, 100), EINVAL));
	CHECK("no write", FAILS(write(fd, info, 128), EINVAL));
	CHECK("bad flags", FAILS(signalfd(-1, &set, 1), EINVAL));
	CHECK("not open", FAILS(signalfd(996, &set, 0), EBADF));
	CHECK("no signalfd", FAILS(signalfd(0, &set, 0), EINVAL));
	kill(getpid(), SIGUSR1);
	CHECK("readable", readable(fd) == 1);
	CHECK("record", read(fd, info, sizeof info) == 128 && info[0].ssi_signo == SIGUSR1 &&
				info[0].ssi_code == SI_USER && (int)info[0].ssi_pid == getpid() &&
				info[0].ssi_uid == getuid());
	CHECK("taken", sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1) && readable(fd) == 0);
	kill(getpid(), SIGUSR2);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 });
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 8 });
	CHECK("several", read(fd, info, sizeof info) == 3 * 128);
	CHECK("order", info[0].ssi_signo == SIGUSR2 && info[1].ssi_int == 7 && info[2].ssi_int == 8 &&
			       info[1].ssi_code == SI_QUEUE);
	pthread_kill(pthread_self(), SIGUSR1);
	CHECK("of the thread", read(fd, info, sizeof info) == 128 && info[0].ssi_code == SI_TKILL);
	sigdelset(&set, SIGUSR1);
	CHECK("change the mask", signalfd(fd, &set, 0) == fd);
	kill(getpid(), SIGUSR1);
	CHECK("not watched any more", readable(fd) == 0);
	fcntl(fd, F_SETFL, 0);
	pthread_create(&t, NULL, kill_later, NULL);
	CHECK("blocking read", read(fd, info, sizeof info) == 128 && info[0].ssi_signo == SIGUSR2);
	pthread_join(t, NULL);
	printf("ok signalfd\n");
	return check_result();
}
