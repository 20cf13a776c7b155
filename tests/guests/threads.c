/* Threads: creating, joining, thread-local data, preemption of one that spins, exit of the main one. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "check.h"

static __thread int local = 7;
static atomic_int counter, stop;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, unprotected;

static void *add_locally(void *arg)
{
	local += (int)(intptr_t)arg;
	sched_yield();
	return (void *)(intptr_t)local;
}

static void test_join(void)
{
	pthread_t t[8];
	int good = 0;
	for (intptr_t i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, add_locally, (void *)i);
	for (intptr_t i = 0; i < 8; i++) {
		void *r;
		pthread_join(t[i], &r);
		good += (intptr_t)r == 7 + i;
	}
	CHECK("thread-local data is each thread's own", good == 8 && local == 7);

	int rounds = 0;
	for (int i = 0; i < 500; i++) {
		if (pthread_create(&t[0], NULL, add_locally, NULL) || pthread_join(t[0], NULL))
			break;
		rounds++;
	}
	CHECK("500 threads one after the other", rounds == 500);
}

static void *spin(void *arg)
{
	(void)arg;
	counter++;
	while (!stop)
		;
	return NULL;
}

static void test_preemption(void)
{
	pthread_t t[2];
	struct timespec brief = { 0, 30000000 };
	pthread_create(&t[0], NULL, spin, NULL);
	pthread_create(&t[1], NULL, spin, NULL);
	while (counter < 2)
		;
	CHECK("spinning threads let each other run", 1);
	nanosleep(&brief, NULL);
	stop = 1;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	CHECK("and a sleeping one wakes among them", 1);
}

static void *take_turns(void *arg)
{
	int me = (int)(intptr_t)arg;
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = (me + 1) % 4;
		unprotected++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void test_cond(void)
{
	pthread_t t[4];
	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, take_turns, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK("condition variables pass turns", unprotected == 800);
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += 20000000;
	if (at.tv_nsec >= 1000000000)
		at.tv_sec++, at.tv_nsec -= 1000000000;
	pthread_mutex_lock(&mutex);
	CHECK("a timed wait ends", pthread_cond_timedwait(&cond, &mutex, &at) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static void *note_rounding(void *arg)
{
	unsigned inherited = _MM_GET_ROUNDING_MODE();
	_MM_SET_ROUNDING_MODE(_MM_ROUND_DOWN);
	*(int *)arg = (int)syscall(SYS_gettid);
	return (void *)(intptr_t)inherited;
}

static void *vector_sum(void *arg)
{
	double sum = (double)(intptr_t)arg;
	for (int i = 0; i < 20000; i++) {
		sum += 0.5;
		if (i % 1000 == 0)
			sched_yield();
	}
	return (void *)(intptr_t)sum;
}

static void test_state(void)
{
	pthread_t t[4];
	void *r;
	int tid = 0, good = 0;
	_MM_SET_ROUNDING_MODE(_MM_ROUND_UP);
	pthread_create(&t[0], NULL, note_rounding, &tid);
	pthread_join(t[0], &r);
	CHECK("the floating-point environment is inherited", (intptr_t)r == _MM_ROUND_UP);
	CHECK("and each thread's own", _MM_GET_ROUNDING_MODE() == _MM_ROUND_UP);
	_MM_SET_ROUNDING_MODE(_MM_ROUND_NEAREST);
	CHECK("thread ids differ", tid > 0 && tid != getpid() && tid != syscall(SYS_gettid));
	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, vector_sum, (void *)(i * 100000));
	for (intptr_t i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		good += (intptr_t)r == i * 100000 + 10000;
	}
	CHECK("vector registers survive switches", good == 4);
	char name[16] = "";
	prctl(PR_SET_NAME, "a name that is too long");
	prctl(PR_GET_NAME, name);
	CHECK("a thread's name is cut", !strcmp(name, "a name that is "));
}

static void test_process(void)
{
	siginfo_t info;
	CHECK("no children",
	      FAILS(waitpid(-1, NULL, 0), ECHILD) && FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD));
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	CHECK("the soft limit may be raised to the hard one", setrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max + 1;
	CHECK("not beyond", FAILS(setrlimit(RLIMIT_NOFILE, &limit), EINVAL));
	cpu_set_t set;
	CHECK("there is a CPU", sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1);
	struct rusage usage;
	CHECK("time was used", getrusage(RUSAGE_SELF, &usage) == 0 &&
				       (usage.ru_utime.tv_sec || usage.ru_utime.tv_usec) &&
				       usage.ru_maxrss > 0);
}

static void *outlive_main(void *arg)
{
	struct timespec brief = { 0, 20000000 };
	pthread_join(*(pthread_t *)arg, NULL);
	nanosleep(&brief, NULL);
	CHECK("threads outlive the main one", 1);
	_exit(check_result());
}

int main(void)
{
	static pthread_t self;
	pthread_t t;
	test_join();
	test_preemption();
	test_cond();
	test_state();
	test_process();
	self = pthread_self();
	pthread_create(&t, NULL, outlive_main, &self);
	pthread_exit(NULL);
}
