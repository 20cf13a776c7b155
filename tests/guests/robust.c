/* Robust mutexes: what a thread holds when it ends goes to the next with EOWNERDEAD. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static pthread_mutex_t mutex;

static void make_mutex(int protocol)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutex_init(&mutex, &attr);
}

static sem_t locked;

static void *lock_and_end(void *arg)
{
	pthread_mutex_lock(&mutex);
	sem_post(&locked);
	if (arg)
		usleep(30000);
	return NULL;
}

static void test(int protocol, const char *dead, const char *usable, const char *waited, const char *lost)
{
	pthread_t t;
	make_mutex(protocol);
	pthread_create(&t, NULL, lock_and_end, NULL);
	pthread_join(t, NULL);
	sem_wait(&locked);
	CHECK(dead, pthread_mutex_lock(&mutex) == EOWNERDEAD);
	CHECK(usable, pthread_mutex_consistent(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0 &&
			      pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);

	pthread_create(&t, NULL, lock_and_end, "wait");
	sem_wait(&locked);
	CHECK(waited, pthread_mutex_lock(&mutex) == EOWNERDEAD);
	pthread_join(t, NULL);
	pthread_mutex_unlock(&mutex);
	CHECK(lost, pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
	pthread_mutex_destroy(&mutex);
}

int main(void)
{
	void *head = NULL;
	sem_init(&locked, 0, 0);
	size_t bytes = 0;
	CHECK("the list is registered",
	      syscall(SYS_get_robust_list, 0, &head, &bytes) == 0 && head && bytes == 24);
	CHECK("its size is checked", FAILS(syscall(SYS_set_robust_list, head, 23), EINVAL));
	test(PTHREAD_PRIO_NONE, "a dead owner is told", "a consistent mutex goes on",
	     "a waiter is woken by the death", "an inconsistent one is lost");
	test(PTHREAD_PRIO_INHERIT, "the same for PI", "PI goes on", "a PI waiter gets it", "PI is lost");
	return check_result();
}
