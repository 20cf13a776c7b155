/* select, pselect. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void *write_later(void *fd)
{
	usleep(20000);
	eventfd_write(*(int *)fd, 1);
	return NULL;
}

static void on_signal(int signo)
{
	(void)signo;
}

static void test_sets(void)
{
	struct timeval zero = { 0, 0 };
	fd_set in, out, ex;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return;
	int e = eventfd(0, 0); /* the highest descriptor */
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&ex);
	FD_SET(s[0], &in), FD_SET(s[0], &out), FD_SET(s[0], &ex), FD_SET(e, &in);
	CHECK("only writable", select(e + 1, &in, &out, &ex, &zero) == 1 && FD_ISSET(s[0], &out) &&
				       !FD_ISSET(s[0], &in) && !FD_ISSET(s[0], &ex) && !FD_ISSET(e, &in));
	if (write(s[1], "x", 1) != 1)
		return;
	eventfd_write(e, 1);
	FD_SET(s[0], &in), FD_SET(e, &in);
	CHECK("bits are counted", select(e + 1, &in, &out, NULL, &zero) == 3);
	CHECK("only below nfds", select(s[0], &in, NULL, NULL, &zero) == 0);
	close(s[1]);
	FD_ZERO(&in);
	FD_ZERO(&ex);
	FD_SET(s[0], &ex);
	CHECK("a hang-up is no exception", select(s[0] + 1, NULL, NULL, &ex, &zero) == 0);
	FD_SET(s[0], &in);
	CHECK("end of file is readable", select(s[0] + 1, &in, NULL, NULL, NULL) == 1);
	close(s[0]);
	FD_SET(s[0], &in);
	CHECK("closed descriptor", FAILS(select(s[0] + 1, &in, NULL, NULL, &zero), EBADF));
	CHECK("negative count", FAILS(select(-1, NULL, NULL, NULL, &zero), EINVAL));
	int file = open("/proc/self/exe", O_RDONLY);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(file, &in), FD_SET(file, &out);
	CHECK("regular file", select(file + 1, &in, &out, NULL, NULL) == 2);
	close(file);
	close(e);
}

static void test_time(void)
{
	struct timeval tv = { 0, 20000 }, bad = { 0, -1 };
	struct timespec ts = { 0, 10000000 };
	int e = eventfd(0, 0);
	pthread_t t;
	fd_set in;

	CHECK("a sleep", select(0, NULL, NULL, NULL, &tv) == 0 && tv.tv_sec == 0 && tv.tv_usec == 0);
	CHECK("bad time", FAILS(select(0, NULL, NULL, NULL, &bad), EINVAL));
	CHECK("pselect", pselect(0, NULL, NULL, NULL, &ts, NULL) == 0 && ts.tv_nsec == 10000000);
	pthread_create(&t, NULL, write_later, &e);
	FD_ZERO(&in);
	FD_SET(e, &in);
	tv = (struct timeval){ 100, 0 };
	CHECK("woken", select(e + 1, &in, NULL, NULL, &tv) == 1 && FD_ISSET(e, &in));
	CHECK("time left", tv.tv_sec >= 90 && tv.tv_sec < 100);
	pthread_join(t, NULL);
}

static void test_signal(void)
{
	sigset_t usr1, none, now;

	signal(SIGUSR1, on_signal);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	sigemptyset(&none);
	CHECK("pselect lets a signal in", FAILS(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR));
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK("the mask is back", sigismember(&now, SIGUSR1) == 1);
}

int main(void)
{
	test_sets();
	test_time();
	test_signal();
	printf("ok select\n");
	return check_result();
}
