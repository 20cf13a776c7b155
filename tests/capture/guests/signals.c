/* Storms of signals, by timers and by threads that send them, beside futexes; the clock never goes back. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STEPS 150
#define THREADS 3
#define STACK_BYTES 65536

static atomic_ulong alarms, users, values;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static uint64_t shared;
static int turn;

static void require(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

static void on_user(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	users++;
	values += (unsigned long)info->si_value.sival_int;
}

/* Guest's time by all ways to it: forward only, and the same for each. */
static void clock_check(void)
{
	static _Thread_local struct timespec last;
	struct timespec now;

	for (int i = 0; i < 300; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec)) {
			printf("the clock went back\n");
			exit(1);
		}
		last = now;
	}
}

static uint64_t crunch(uint64_t seed)
{
	double x = 1.0 + (double)(seed % 97);

	for (int i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		x = x * 1.0000001 + (double)(seed >> 40) * 1e-9;
	}
	return seed ^ (uint64_t)(x * 1e6);
}

/* Each adds to the sum in its turn, so that the order is the same always. */
static void *work(void *arg)
{
	int index = (int)(intptr_t)arg;

	for (int step = 0; step < STEPS; step++) {
		uint64_t value = crunch((uint64_t)(step * THREADS + index));

		clock_check();
		pthread_mutex_lock(&lock);
		while (turn != index)
			pthread_cond_wait(&changed, &lock);
		shared = shared * 31 + value;
		turn = (turn + 1) % (THREADS + 1);
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void queue_signals(int step)
{
	for (int i = 0; i < 20; i++)
		require(!sigqueue(getpid(), SIGRTMIN + i % 3, (union sigval){ .sival_int = step + i }),
			"sigqueue");
}

int main(void)
{
	struct sigaction user = { .sa_sigaction = on_user, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	struct sigaction alarm = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct itimerval often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };
	static char stack[STACK_BYTES];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	pthread_t threads[THREADS];

	require(!sigaltstack(&alternate, NULL), "sigaltstack");
	require(!sigaction(SIGALRM, &alarm, NULL), "sigaction");
	for (int i = 0; i < 3; i++)
		require(!sigaction(SIGRTMIN + i, &user, NULL), "sigaction");
	require(!pthread_barrier_init(&barrier, NULL, THREADS + 1), "barrier");
	require(!setitimer(ITIMER_REAL, &often, NULL), "setitimer");
	for (int i = 0; i < THREADS; i++)
		require(!pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i), "thread");
	for (int step = 0; step < STEPS; step++) {
		struct timespec nap = { 0, 200000 };
		char line[96];
		int n;

		queue_signals(step);
		clock_check();
		nanosleep(&nap, NULL);
		pthread_mutex_lock(&lock);
		while (turn != THREADS)
			pthread_cond_wait(&changed, &lock);
		n = snprintf(line, sizeof line, "%d %016lx\n", step, shared);
		require(write(1, line, (size_t)n) == n, "write");
		turn = 0;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	require(!setitimer(ITIMER_REAL, &never, NULL), "setitimer");
	/* The last ones may have come to a thread that had not run since. */
	while (users < STEPS * 20)
		sched_yield();
	printf("signals %lu %lu, alarms %d\n", users, values, alarms > 0);
	return 0;
}
