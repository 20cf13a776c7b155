/* Which calls go on after a handler, and which end with EINTR. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t count;
static int pipe_fds[2];

static void on_alarm(int signo)
{
	(void)signo;
	count++;
}

static void on_alarm_write(int signo)
{
	(void)signo;
	if (++count == 2 && write(pipe_fds[1], "x", 1) != 1)
		_exit(9);
}

/* SIGALRM after 15 ms and, unless once, every 15 ms. */
static void alarm_soon(void (*handler)(int), int flags, int once)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval v = { .it_value = { 0, 15000 }, .it_interval = { 0, once ? 0 : 15000 } };
	sigaction(SIGALRM, &sa, NULL);
	count = 0;
	setitimer(ITIMER_REAL, &v, NULL);
}

static void alarm_off(void)
{
	struct itimerval none = { 0 };
	setitimer(ITIMER_REAL, &none, NULL);
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void test_read(void)
{
	char c = 0;
	alarm_soon(on_alarm, 0, 1);
	CHECK("read ends with EINTR", FAILS(read(pipe_fds[0], &c, 1), EINTR) && count == 1);
	alarm_soon(on_alarm_write, SA_RESTART, 0);
	CHECK("read goes on with SA_RESTART", read(pipe_fds[0], &c, 1) == 1 && c == 'x' && count == 2);
	alarm_off();
}

static void test_poll(void)
{
	struct pollfd p = { .fd = pipe_fds[0], .events = POLLIN };
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("poll ends with EINTR in spite of SA_RESTART", FAILS(poll(&p, 1, 2000), EINTR) && count == 1);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	struct timeval tv = { 2, 0 };
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("select too", FAILS(select(pipe_fds[0] + 1, &set, NULL, NULL, &tv), EINTR));
	struct epoll_event ev;
	int ep = epoll_create1(0);
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("epoll_wait too", FAILS(epoll_wait(ep, &ev, 1, 2000), EINTR));
	close(ep);

	sigset_t blocked, none, after;
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	alarm_soon(on_alarm, 0, 1);
	struct timespec two = { 2, 0 };
	CHECK("ppoll opens the mask", FAILS(ppoll(&p, 1, &two, &none), EINTR) && count == 1);
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK("and restores it", sigismember(&after, SIGALRM));
	struct timespec brief = { 0, 40000000 };
	alarm_soon(on_alarm, 0, 1);
	CHECK("a blocked signal ends no poll", ppoll(&p, 1, &brief, &blocked) == 0 && count == 0);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	CHECK("and runs when it is opened", count == 1);
}

static void test_sleep(void)
{
	struct timespec half = { 0, 500000000 }, rest = { 0, 0 };
	alarm_soon(on_alarm, SA_RESTART, 1);
	double start = now();
	CHECK("nanosleep ends with EINTR", FAILS(nanosleep(&half, &rest), EINTR) && count == 1);
	double slept = now() - start, left = (double)rest.tv_nsec / 1e9;
	CHECK("and tells what is left", left > 0.1 && left + slept > 0.45 && left + slept < 0.55);
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("clock_nanosleep returns EINTR", clock_nanosleep(CLOCK_REALTIME, 0, &half, NULL) == EINTR);
	signal(SIGALRM, SIG_IGN);
	struct itimerval v = { .it_value = { 0, 15000 } };
	setitimer(ITIMER_REAL, &v, NULL);
	struct timespec brief = { 0, 60000000 };
	CHECK("an ignored signal ends no sleep", nanosleep(&brief, NULL) == 0);
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("pause ends", FAILS(pause(), EINTR) && count == 1);
}

static void test_futex(void)
{
	int word = 0;
	struct timespec long_time = { 2, 0 };
	alarm_soon(on_alarm, SA_RESTART, 1);
	CHECK("a futex wait with a timeout ends with EINTR",
	      FAILS(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_time, NULL, 0), EINTR));
	alarm_soon(on_alarm, 0, 1);
	CHECK("one without a timeout too, without SA_RESTART",
	      FAILS(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR));
	sem_t sem;
	sem_init(&sem, 0, 0);
	alarm_soon(on_alarm, 0, 1);
	CHECK("sem_wait ends with EINTR", FAILS(sem_wait(&sem), EINTR));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold_mutex(void *arg)
{
	sigset_t all;
	struct timespec brief = { 0, 60000000 };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_mutex_lock(&mutex);
	sem_post(arg);
	nanosleep(&brief, NULL);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void test_mutex(void)
{
	pthread_t t;
	sem_t held;
	sem_init(&held, 0, 0);
	pthread_create(&t, NULL, hold_mutex, &held);
	sem_wait(&held);
	alarm_soon(on_alarm, 0, 1);
	CHECK("a mutex is locked in spite of signals", pthread_mutex_lock(&mutex) == 0 && count == 1);
	pthread_mutex_unlock(&mutex);
	pthread_join(t, NULL);
}

int main(void)
{
	if (pipe(pipe_fds))
		return 2;
	test_read();
	test_poll();
	test_sleep();
	test_futex();
	test_mutex();
	return check_result();
}
