/* Pipes and FIFOs: capacity, atomic writes, ends, SIGPIPE, by name. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static void *volatile nowhere = (void *)8;

static int sigpipes;

static void on_sigpipe(int signo)
{
	(void)signo;
	sigpipes++;
}

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	poll(&p, 1, 0);
	return p.revents;
}

static void test_basic(void)
{
	int p[2], bytes;
	char buf[32];
	struct stat st;

	CHECK("pipe2", pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0 && p[1] == p[0] + 1);
	CHECK("flags", fcntl(p[0], F_GETFL) == (O_RDONLY | O_NONBLOCK) &&
			       fcntl(p[1], F_GETFL) == (O_WRONLY | O_NONBLOCK) &&
			       fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	CHECK("bad flags", FAILS(pipe2(p, 1), EINVAL));
	CHECK("bad pointer", FAILS(pipe(nowhere), EFAULT));
	CHECK("fstat", fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK("no seek", FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE));
	CHECK("wrong end", FAILS(read(p[1], buf, 1), EBADF) && FAILS(write(p[0], "x", 1), EBADF));
	CHECK("empty", FAILS(read(p[0], buf, 1), EAGAIN));
	CHECK("nothing of nothing", read(p[0], buf, 0) == 0 && write(p[1], "", 0) == 0);
	struct iovec iov[2] = { { "hello ", 6 }, { "world", 5 } };
	CHECK("writev", writev(p[1], iov, 2) == 11 && ioctl(p[0], FIONREAD, &bytes) == 0 && bytes == 11);
	CHECK("short read", read(p[0], buf, 4) == 4 && !memcmp(buf, "hell", 4));
	CHECK("the rest", read(p[0], buf, sizeof buf) == 7 && !memcmp(buf, "o world", 7));
	CHECK("bad buffer",
	      write(p[1], "xy", 2) == 2 && FAILS(read(p[0], nowhere, 2), EFAULT) && read(p[0], buf, 9) == 2);
	CHECK("bad source", FAILS(write(p[1], nowhere, 2), EFAULT));
	CHECK("end of file", close(p[1]) == 0 && read(p[0], buf, 1) == 0 && events(p[0]) == POLLHUP);
	close(p[0]);
}

static void test_capacity(void)
{
	static char block[70000];
	int p[2];
	long n, sum = 0;

	if (pipe2(p, O_NONBLOCK))
		return;
	CHECK("64 KiB", fcntl(p[0], F_GETPIPE_SZ) == 65536);
	CHECK("partial write of a large one", write(p[1], block, sizeof block) == 65536 && events(p[1]) == 0);
	CHECK("full", FAILS(write(p[1], block, 1), EAGAIN));
	CHECK("room for less than PIPE_BUF",
	      read(p[0], block, 4000) == 4000 && FAILS(write(p[1], block, 4096), EAGAIN));
	CHECK("room for PIPE_BUF",
	      read(p[0], block, 96) == 96 && events(p[1]) == POLLOUT && write(p[1], block, 4096) == 4096);
	CHECK("grow", fcntl(p[1], F_SETPIPE_SZ, 100000) == 131072 && fcntl(p[0], F_GETPIPE_SZ) == 131072);
	while ((n = write(p[1], block, 4096)) > 0)
		sum += n;
	CHECK("grown", sum == 65536);
	CHECK("too small for its bytes", FAILS(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY));
	for (sum = 0; (n = read(p[0], block, sizeof block)) > 0; sum += n)
		;
	CHECK("all come out", sum == 131072);
	CHECK("shrink", fcntl(p[1], F_SETPIPE_SZ, 1) == 4096);
	close(p[0]);
	close(p[1]);
}

static void test_sigpipe(void)
{
	int p[2];

	signal(SIGPIPE, on_sigpipe);
	if (pipe(p))
		return;
	close(p[0]);
	CHECK("broken",
	      FAILS(write(p[1], "x", 1), EPIPE) && sigpipes == 1 && events(p[1]) == (POLLOUT | POLLERR));
	signal(SIGPIPE, SIG_IGN);
	CHECK("ignored signal", FAILS(write(p[1], "x", 1), EPIPE));
	close(p[1]);
}

struct stream {
	int fd;
	long bytes;
	unsigned sum;
};

static void *reader(void *arg)
{
	struct stream *s = arg;
	unsigned char buf[3000];
	long n;

	while ((n = read(s->fd, buf, sizeof buf)) > 0) {
		s->bytes += n;
		for (long i = 0; i < n; i++)
			s->sum = s->sum * 31 + buf[i];
	}
	return NULL;
}

static void test_flow(void)
{
	enum { BYTES = 1 << 20 };
	unsigned char *data = malloc(BYTES);
	unsigned sum = 0;
	struct stream s = { 0 };
	pthread_t t;
	int p[2];

	if (pipe(p))
		return;
	for (int i = 0; i < BYTES; i++) {
		data[i] = i * 7 + (i >> 9);
		sum = sum * 31 + data[i];
	}
	s.fd = p[0];
	pthread_create(&t, NULL, reader, &s);
	CHECK("a blocking write writes all", write(p[1], data, BYTES) == BYTES);
	close(p[1]);
	pthread_join(t, NULL);
	CHECK("as it went in", s.bytes == BYTES && s.sum == sum);
	close(p[0]);
	free(data);
}

static void *write_records(void *arg)
{
	int fd = *(int *)arg;
	char record[1000];

	memset(record, 'a' + fd % 20, sizeof record);
	for (int i = 0; i < 200; i++)
		if (write(fd, record, sizeof record) != sizeof record)
			break;
	return NULL;
}

static void test_atomic(void)
{
	int p[2], ends[3], torn = 0;
	pthread_t t[3];
	char record[1000];

	if (pipe(p))
		return;
	for (int i = 0; i < 3; i++) {
		ends[i] = dup(p[1]);
		pthread_create(&t[i], NULL, write_records, &ends[i]);
	}
	for (int i = 0; i < 600; i++) {
		for (long got = 0; got < (long)sizeof record;) {
			long n = read(p[0], record + got, sizeof record - got);
			if (n <= 0)
				break;
			got += n;
		}
		for (unsigned j = 1; j < sizeof record; j++)
			torn += record[j] != record[0];
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK("writes up to PIPE_BUF are whole", torn == 0);
}

static void *open_writer(void *path)
{
	usleep(20000);
	int fd = open(path, O_WRONLY);
	long n = write(fd, "by name", 7);

	close(fd);
	return (void *)n;
}

static void test_fifo(void)
{
	char dir[] = "/tmp/fifoXXXXXX", path[64], buf[16];
	struct stat st;
	pthread_t t;
	void *written;

	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof path, "%s/fifo", dir);
	CHECK("mkfifo", mkfifo(path, 0600) == 0 && stat(path, &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK("no reader", FAILS(open(path, O_WRONLY | O_NONBLOCK), ENXIO));
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	CHECK("no writer: end of file, no hang-up", fd >= 0 && read(fd, buf, 1) == 0 && events(fd) == 0);
	int w = open(path, O_WRONLY | O_NONBLOCK);
	CHECK("both ends", w >= 0 && write(w, "abc", 3) == 3 && read(fd, buf, 16) == 3);
	CHECK("the writer goes", close(w) == 0 && events(fd) == POLLHUP && read(fd, buf, 1) == 0);
	close(fd);
	pthread_create(&t, NULL, open_writer, path);
	fd = open(path, O_RDONLY);
	CHECK("open waits for a writer", fd >= 0 && read(fd, buf, 16) == 7 && !memcmp(buf, "by name", 7));
	pthread_join(t, &written);
	CHECK("both met", (long)written == 7 && read(fd, buf, 16) == 0);
	CHECK("fstat of a FIFO", fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600);
	close(fd);
	fd = open(path, O_RDWR);
	CHECK("read and write", fd >= 0 && write(fd, "x", 1) == 1 && read(fd, buf, 1) == 1);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	test_basic();
	test_capacity();
	test_sigpipe();
	test_flow();
	test_atomic();
	test_fifo();
	printf("ok pipes\n");
	return check_result();
}
