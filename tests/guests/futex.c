/* futex(2), the system call itself. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static uint32_t word, other;
static atomic_int waiting, woken;

static long futex(uint32_t *at, int op, uint32_t value, const void *timeout, uint32_t *second, uint32_t third)
{
	return syscall(SYS_futex, at, op, value, timeout, second, third);
}

struct wait {
	pthread_t thread;
	uint32_t *at;
	uint32_t bitset;
	long result;
};

static void *wait_on(void *arg)
{
	struct wait *w = arg;
	waiting++;
	w->result = futex(w->at, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, w->bitset);
	woken++;
	return NULL;
}

static void start_waiters(struct wait *w, int n, uint32_t *at, uint32_t bitset)
{
	waiting = woken = 0;
	for (int i = 0; i < n; i++) {
		w[i] = (struct wait){ .at = at, .bitset = bitset };
		pthread_create(&w[i].thread, NULL, wait_on, &w[i]);
	}
	while (waiting < n)
		sched_yield();
	usleep(30000); /* from the count to the call */
}

static void join_waiters(struct wait *w, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
}

static int64_t now_ns(int clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static struct timespec in_ms(int clock, int ms)
{
	int64_t t = now_ns(clock) + ms * 1000000ll;
	return (struct timespec){ t / 1000000000, t % 1000000000 };
}

static void test_wait(void)
{
	struct timespec brief = { 0, 20000000 }, bad = { 0, 1000000000 };
	CHECK("a changed word is EAGAIN", FAILS(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN));
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK("FUTEX_WAIT times out", FAILS(futex(&word, FUTEX_WAIT, 0, &brief, NULL, 0), ETIMEDOUT));
	CHECK("not before its time", now_ns(CLOCK_MONOTONIC) - start >= 20000000);
	struct timespec at = in_ms(CLOCK_MONOTONIC, 20);
	CHECK("FUTEX_WAIT_BITSET takes a time of day",
	      FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u), ETIMEDOUT) &&
		      now_ns(CLOCK_MONOTONIC) >= start);
	at = in_ms(CLOCK_REALTIME, 20);
	CHECK("of CLOCK_REALTIME too",
	      FAILS(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, NULL, ~0u), ETIMEDOUT));
	at = (struct timespec){ 0, 1 };
	CHECK("a time gone by", FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u), ETIMEDOUT));
	CHECK("a bad time", FAILS(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL));
	CHECK("a bad address", FAILS(futex((uint32_t *)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT));
	CHECK("an odd address",
	      FAILS(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL));
	CHECK("an empty bitset", FAILS(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL));
	CHECK("an unknown operation", FAILS(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS));
	CHECK("nobody to wake", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
}

static void test_wake(void)
{
	struct wait w[4];
	start_waiters(w, 4, &word, ~0u);
	CHECK("FUTEX_WAKE wakes as many as it says",
	      futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1 &&
		      futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0) == 2);
	CHECK("and then the rest", futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0) == 1);
	join_waiters(w, 4);
	CHECK("they return 0", !w[0].result && !w[1].result && !w[2].result && !w[3].result);

	start_waiters(w, 2, &word, 1);
	CHECK("a bitset chooses", futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2) == 0 &&
					  futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 3) == 2);
	join_waiters(w, 2);
}

static void test_requeue(void)
{
	struct wait w[4];
	start_waiters(w, 4, &word, ~0u);
	CHECK("FUTEX_CMP_REQUEUE compares",
	      FAILS(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &other, 5), EAGAIN));
	CHECK("wakes and moves", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 0) == 3);
	CHECK("the moved wait elsewhere", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 2);
	CHECK("the rest stays", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 1);
	join_waiters(w, 4);
}

static void test_wake_op(void)
{
	struct wait w[2];
	other = 5;
	start_waiters(w, 1, &word, ~0u);
	long r = futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		       FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 4));
	CHECK("FUTEX_WAKE_OP adds and wakes", r == 1 && other == 8);
	join_waiters(w, 1);
	other = 0;
	start_waiters(w, 1, &other, ~0u);
	r = futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 1));
	CHECK("its condition is on the old value", r == 0 && other == 1);
	r = futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		  FUTEX_OP((FUTEX_OP_ANDN | FUTEX_OP_OPARG_SHIFT), 0, FUTEX_OP_CMP_EQ, 1));
	CHECK("the operand may be a bit number", r == 1 && other == 0);
	join_waiters(w, 1);
}

static atomic_int inside, entered;
static long lock_result;

static void *lock_pi(void *arg)
{
	uint32_t *at = arg;
	if (syscall(SYS_futex, at, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0))
		return "failed";
	if (inside++)
		return "two inside";
	entered++;
	usleep(1000);
	inside--;
	return syscall(SYS_futex, at, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) ? "not unlocked" : NULL;
}

static void *try_pi(void *arg)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 20);
	lock_result = syscall(SYS_futex, arg, FUTEX_LOCK_PI_PRIVATE, 0, &at, NULL, 0) ? errno : 0;
	return (void *)(intptr_t)FAILS(syscall(SYS_futex, arg, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0),
				       EAGAIN);
}

static void test_pi(void)
{
	static uint32_t lock;
	pthread_t t[4];
	void *result = NULL;
	int good = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, lock_pi, &lock);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &result);
		good += result == NULL;
	}
	CHECK("FUTEX_LOCK_PI excludes", good == 4 && entered == 4);
	lock = 0;
	CHECK("a free one is taken", futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 &&
					     (lock & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid));
	CHECK("twice is a deadlock", FAILS(futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK));
	pthread_create(&t[0], NULL, try_pi, &lock);
	pthread_join(t[0], &result);
	CHECK("others time out or fail to lock at once", lock_result == ETIMEDOUT && result);
	CHECK("it is released", futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && lock == 0);
	CHECK("who is not the owner cannot",
	      FAILS(futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM));
}

int main(void)
{
	test_wait();
	test_wake();
	test_requeue();
	test_wake_op();
	test_pi();
	return check_result();
}
