/* setitimer(2) and alarm(2). */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t count;

static void on_signal(int signo)
{
	(void)signo;
	count++;
}

static void arm(int which, int signo, long first_us, long interval_us)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval v = { .it_value = { 0, first_us }, .it_interval = { 0, interval_us } };
	sigaction(signo, &sa, NULL);
	count = 0;
	setitimer(which, &v, NULL);
}

static long cpu_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_real(void)
{
	struct itimerval v, none = { 0 };
	arm(ITIMER_REAL, SIGALRM, 20000, 20000);
	while (count < 3)
		pause();
	CHECK("ITIMER_REAL goes on", count == 3);
	setitimer(ITIMER_REAL, &none, &v);
	CHECK("the old setting", v.it_interval.tv_usec == 20000 && v.it_value.tv_usec <= 20000);
	getitimer(ITIMER_REAL, &v);
	CHECK("disarmed", !v.it_value.tv_sec && !v.it_value.tv_usec);
	arm(ITIMER_REAL, SIGALRM, 900000, 0);
	getitimer(ITIMER_REAL, &v);
	CHECK("what is left", v.it_value.tv_usec > 800000);
	CHECK("alarm shares the timer and rounds", alarm(100) == 1 && alarm(0) == 100 && alarm(0) == 0);
	struct itimerval bad = { .it_value = { 0, 1000000 } };
	CHECK("a bad time", FAILS(setitimer(ITIMER_REAL, &bad, NULL), EINVAL));
	CHECK("no such timer", FAILS(getitimer(3, &v), EINVAL));
}

static void test_cpu(int which, int signo, const char *sleeping, const char *busy)
{
	struct timespec brief = { 0, 60000000 };
	struct itimerval none = { 0 };
	arm(which, signo, 40000, 40000);
	nanosleep(&brief, NULL);
	CHECK(sleeping, count == 0);
	long start = cpu_ms();
	while (count < 2)
		;
	/* The host samples such time by its ticks: no exact sum can be asked for. */
	CHECK(busy, cpu_ms() > start);
	setitimer(which, &none, NULL);
}

static void test_alarm(void)
{
	struct timespec start, end;
	signal(SIGALRM, on_signal);
	count = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	alarm(1);
	pause();
	clock_gettime(CLOCK_MONOTONIC, &end);
	long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
	CHECK("alarm rings after a second", count == 1 && ms >= 999 && ms < 1500);
}

int main(void)
{
	test_real();
	test_cpu(ITIMER_PROF, SIGPROF, "ITIMER_PROF stands still in sleep", "and rings by CPU time");
	test_cpu(ITIMER_VIRTUAL, SIGVTALRM, "ITIMER_VIRTUAL stands still in sleep",
		 "and rings by its own time");
	test_alarm();
	return check_result();
}
