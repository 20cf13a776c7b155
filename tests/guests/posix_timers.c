/* timer_create(2) and its family. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sigset_t usr1;
static sem_t fired;

static struct itimerspec setting(long value_ms, long interval_ms)
{
	return (struct itimerspec){ .it_value = { value_ms / 1000, value_ms % 1000 * 1000000 },
				    .it_interval = { interval_ms / 1000, interval_ms % 1000 * 1000000 } };
}

static timer_t make(clockid_t clock, int notify, int value)
{
	timer_t t = NULL;
	struct sigevent e = { .sigev_notify = notify,
			      .sigev_signo = SIGUSR1,
			      .sigev_value.sival_int = value };
	e.sigev_notify_thread_id = (int)syscall(SYS_gettid);
	if (timer_create(clock, &e, &t))
		perror("timer_create");
	return t;
}

static void start(timer_t t, long value_ms, long interval_ms)
{
	struct itimerspec s = setting(value_ms, interval_ms);
	timer_settime(t, 0, &s, NULL);
}

/* The next SIGUSR1 within a second; 0 if none. */
static int next(siginfo_t *info)
{
	struct timespec second = { 1, 0 };
	return sigtimedwait(&usr1, info, &second) == SIGUSR1;
}

static int silent(void)
{
	struct timespec brief = { 0, 50000000 };
	return sigtimedwait(&usr1, NULL, &brief) == -1;
}

/* What was on its way already. */
static void drain(void)
{
	struct timespec at_once = { 0, 0 };
	while (sigtimedwait(&usr1, NULL, &at_once) != -1)
		;
}

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_signals(void)
{
	siginfo_t info;
	timer_t t = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 42);
	start(t, 20, 0);
	CHECK("a signal with its value",
	      next(&info) && info.si_code == SI_TIMER && info.si_value.sival_int == 42);
	CHECK("once", silent());
	start(t, 10, 10);
	CHECK("again and again", next(&info) && next(&info) && next(&info));
	struct timespec pause = { 0, 95000000 };
	long from = now_ms();
	next(&info);
	nanosleep(&pause, NULL);
	/* On a busy machine the pause is longer. */
	CHECK("overruns are counted", next(&info) && info.si_overrun >= 6 &&
					      info.si_overrun <= (now_ms() - from) / 10 &&
					      timer_getoverrun(t) == info.si_overrun);
	start(t, 0, 0);
	drain();
	CHECK("disarmed", silent());
	timer_delete(t);

	t = make(CLOCK_REALTIME, SIGEV_SIGNAL | SIGEV_THREAD_ID, 1);
	start(t, 10, 0);
	CHECK("to a thread", next(&info));
	timer_delete(t);
	t = make(CLOCK_BOOTTIME, SIGEV_NONE, 0);
	start(t, 10, 0);
	CHECK("SIGEV_NONE is silent", silent());
	timer_delete(t);
	CHECK("a deleted timer is unknown", FAILS((int)syscall(SYS_timer_delete, 12345), EINVAL));
}

static void test_settings(void)
{
	struct itimerspec s, old;
	timer_t t = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0);
	timer_gettime(t, &s);
	CHECK("a new timer is not armed", !s.it_value.tv_sec && !s.it_value.tv_nsec);
	start(t, 5000, 700);
	timer_gettime(t, &s);
	CHECK("what is left",
	      s.it_value.tv_sec == 4 && s.it_value.tv_nsec > 900000000 && s.it_interval.tv_nsec == 700000000);
	struct itimerspec bad = { .it_value = { 0, 1000000000 } };
	CHECK("a bad time", FAILS(timer_settime(t, 0, &bad, NULL), EINVAL));
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	s = (struct itimerspec){ .it_value = now };
	CHECK("the old setting", timer_settime(t, TIMER_ABSTIME, &s, &old) == 0 && old.it_value.tv_sec == 4);
	siginfo_t info;
	CHECK("a time gone by fires at once", next(&info));
	timer_gettime(t, &s);
	CHECK("and is over", !s.it_value.tv_sec && !s.it_value.tv_nsec);
	timer_delete(t);
	CHECK("no such clock", FAILS(timer_create(99, NULL, &t), EINVAL));
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99 };
	CHECK("no such signal", FAILS(timer_create(CLOCK_MONOTONIC, &e, &t), EINVAL));
}

static void burn(void)
{
	for (volatile int i = 0; i < 1000000; i++)
		;
}

static volatile sig_atomic_t cpu_fired;

static void on_cpu(int signo)
{
	(void)signo;
	cpu_fired = 1;
}

static void test_cpu_clock(clockid_t clock, const char *name)
{
	struct sigaction sa = { .sa_handler = on_cpu };
	struct timespec used;
	sigaction(SIGUSR1, &sa, NULL);
	cpu_fired = 0;
	timer_t t = make(clock, SIGEV_SIGNAL, 0);
	clock_gettime(clock, &used);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	start(t, 30, 0);
	while (!cpu_fired)
		burn();
	struct timespec after;
	clock_gettime(clock, &after);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	long ms = (after.tv_sec - used.tv_sec) * 1000 + (after.tv_nsec - used.tv_nsec) / 1000000;
	CHECK(name, ms >= 29);
	timer_delete(t);
}

static void on_thread(union sigval v)
{
	if (v.sival_int == 5)
		sem_post(&fired);
}

static void test_thread(void)
{
	timer_t t;
	struct sigevent e = { .sigev_notify = SIGEV_THREAD,
			      .sigev_notify_function = on_thread,
			      .sigev_value.sival_int = 5 };
	sem_init(&fired, 0, 0);
	timer_create(CLOCK_MONOTONIC, &e, &t);
	start(t, 10, 10);
	CHECK("SIGEV_THREAD calls", sem_wait(&fired) == 0 && sem_wait(&fired) == 0);
	timer_delete(t);
}

int main(void)
{
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	test_signals();
	test_settings();
	test_cpu_clock(CLOCK_PROCESS_CPUTIME_ID, "CPU time of the process");
	test_cpu_clock(CLOCK_THREAD_CPUTIME_ID, "CPU time of the thread");
	test_thread();
	return check_result();
}
