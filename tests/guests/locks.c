/* flock(2), fcntl_locking(2): POSIX locks of one process, open file description locks. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/file.h>

#include "sandbox.h"

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

static void whole_files(void)
{
	int a = sandbox_file("f", "x"), b = open("f", O_RDWR), c = dup(a);

	REQUIRE(!flock(a, LOCK_SH) && !flock(b, LOCK_SH | LOCK_NB) &&
		FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK));
	REQUIRE(!flock(a, LOCK_UN) && !flock(b, LOCK_EX | LOCK_NB) &&
		FAILS(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK));
	REQUIRE(!close(b) && !flock(a, LOCK_EX | LOCK_NB) && !flock(c, LOCK_EX | LOCK_NB));
	REQUIRE(FAILS(flock(a, LOCK_SH | LOCK_EX), EINVAL));
	close(a);
	b = open("f", O_RDWR);
	REQUIRE(FAILS(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK) && !close(c) && !flock(b, LOCK_SH | LOCK_NB));
}

/* A process never stands in its own way. */
static void own_process(void)
{
	int a = sandbox_file("p", "x"), b = open("p", O_RDWR), ro = open("p", O_RDONLY);
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	REQUIRE(!lock(a, F_SETLK, F_WRLCK, 0, 0) && !lock(b, F_SETLK, F_WRLCK, 0, 10));
	REQUIRE(!fcntl(b, F_GETLK, &fl) && fl.l_type == F_UNLCK);
	REQUIRE(FAILS(lock(ro, F_SETLK, F_WRLCK, 0, 0), EBADF) && !lock(ro, F_SETLK, F_RDLCK, 0, 0));
	REQUIRE(FAILS(lock(a, F_SETLK, F_RDLCK, -1, 0), EINVAL) && FAILS(lock(a, F_SETLK, 77, 0, 0), EINVAL));
}

static void descriptions(void)
{
	int a = sandbox_file("o", "x"), b = open("o", O_RDWR);
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	REQUIRE(!lock(a, F_OFD_SETLK, F_WRLCK, 10, 10) &&
		FAILS(lock(b, F_OFD_SETLK, F_RDLCK, 15, 1), EAGAIN));
	REQUIRE(!lock(b, F_OFD_SETLK, F_WRLCK, 20, 5) && !fcntl(b, F_OFD_GETLK, &fl));
	REQUIRE(fl.l_type == F_WRLCK && fl.l_start == 10 && fl.l_len == 10 && fl.l_pid == -1);
	/* A hole in the middle leaves both ends. */
	REQUIRE(!lock(a, F_OFD_SETLK, F_UNLCK, 14, 2) && !lock(b, F_OFD_SETLK, F_WRLCK, 14, 2));
	REQUIRE(FAILS(lock(b, F_OFD_SETLK, F_WRLCK, 13, 1), EAGAIN) &&
		FAILS(lock(b, F_OFD_SETLK, F_WRLCK, 16, 1), EAGAIN));
	/* A POSIX lock of the same process is another owner's. */
	REQUIRE(FAILS(lock(b, F_SETLK, F_RDLCK, 10, 1), EAGAIN));
	REQUIRE(!close(a) && !lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
}

static int waiting_fd;

static void *waiter(void *arg)
{
	(void)arg;
	return (void *)(long)flock(waiting_fd, LOCK_EX);
}

static void waiting(void)
{
	int a = sandbox_file("w", "x");
	pthread_t t;
	void *result;

	waiting_fd = open("w", O_RDWR);
	REQUIRE(!flock(a, LOCK_EX) && !pthread_create(&t, NULL, waiter, NULL));
	usleep(20000);
	REQUIRE(!flock(a, LOCK_UN) && !pthread_join(t, &result) && !result);
	REQUIRE(FAILS(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK));
}

int main(void)
{
	sandbox_enter();
	GROUP("flock", whole_files());
	GROUP("locks of one process", own_process());
	GROUP("locks of descriptions", descriptions());
	GROUP("waiting for a lock", waiting());
	return 0;
}
