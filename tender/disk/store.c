/*
 * A thread writes the files, so that a slow disk holds up no context. It touches nothing but its job, which
 * the tender's own thread makes ready before and looks at again after its end.
 */
#include "disk/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "abi/control.h"
#include "base/base.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/stored_plan.h"
#include "tender.h"

/* Each has a thread and a buffer. */
#define JOBS_MAX 8
/* Of one write. */
#define COPY_BYTES (256u << 10)
/* The disk can wait, a context cannot. */
#define WRITER_NICE 10
#define SUFFIX_BYTES 8

struct stores {
	struct event_source done; /* a pipe that brings the jobs back */
	int done_fd;
	int jobs;
};

struct store_job {
	int done_fd;
	pthread_t thread;
	uint32_t seq;
	struct snapshot *snapshot;
	struct pages *pages; /* of the layer: the snapshot may become compact meanwhile */
	char *plan, *buffer;
	int plan_file, layer_file; /* -1: there is none */
	int layer;
	struct control_stored stored;
	int error;
	char plan_path[PATH_MAX + SUFFIX_BYTES], layer_path[PATH_MAX + SUFFIX_BYTES];
};

/* ---- the thread ---- */

static int copy_range(const struct store_job *job, uint64_t at, uint64_t end)
{
	int error = 0;

	while (!error && at < end) {
		size_t n = end - at < COPY_BYTES ? end - at : COPY_BYTES;

		error = pread_all(job->layer, job->buffer, n, at);
		if (!error)
			error = pwrite_all(job->layer_file, job->buffer, n, at);
		at += n;
	}
	return error;
}

/* Holes stay holes. */
static int copy_layer(const struct store_job *job)
{
	off_t bytes = (off_t)job->stored.layer_bytes, data = 0, hole;
	int error = ftruncate(job->layer_file, bytes) < 0 ? -errno : 0;

	while (!error && data < bytes) {
		data = lseek(job->layer, data, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(job->layer, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		error = copy_range(job, (uint64_t)data, (uint64_t)hole);
		data = hole;
	}
	return error;
}

static int write_files(const struct store_job *job)
{
	int error = pwrite_all(job->plan_file, job->plan, job->stored.plan_bytes, 0);

	if (!error && job->layer_file >= 0)
		error = copy_layer(job);
	if (!error && (fsync(job->plan_file) < 0 || (job->layer_file >= 0 && fsync(job->layer_file) < 0)))
		error = -errno;
	return error;
}

static void *run(void *arg)
{
	struct store_job *job = arg;

	setpriority(PRIO_PROCESS, (id_t)gettid(), WRITER_NICE);
	job->error = write_files(job);
	/* A pointer is written whole; the pipe holds more of them than there are jobs. */
	if (write(job->done_fd, &job, sizeof job) != sizeof job)
		fatal(errno, "end of a store");
	return NULL;
}

/* ---- the tender ---- */

static void free_job(struct store_job *job)
{
	close_if_open(job->plan_file);
	close_if_open(job->layer_file);
	pages_put(job->pages);
	snapshot_put(job->snapshot);
	free(job->plan);
	free(job->buffer);
	free(job);
}

static void fail(struct tender *t, struct store_job *job, const char *what)
{
	control_error(t, 0, job->seq, -job->error, "store of a snapshot: %s: %s", what,
		      strerror(-job->error));
	/* What is there was made by this job: the files were new. */
	if (job->plan_file >= 0)
		unlink(job->plan_path);
	if (job->layer_file >= 0)
		unlink(job->layer_path);
	free_job(job);
}

static void store_done(struct tender *t, struct event_source *source, uint32_t events)
{
	struct store_job *job;

	(void)events;
	if (read(source->fd, &job, sizeof job) != sizeof job)
		fatal(errno, "read of a finished store");
	pthread_join(job->thread, NULL);
	t->stores->jobs--;
	if (job->error) {
		fail(t, job, "write");
		return;
	}
	control_ok(t, 0, job->seq, &job->stored, sizeof job->stored);
	free_job(job);
}

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int open_files(struct store_job *job)
{
	int fd = create(job->plan_path);

	if (fd < 0)
		return fd;
	job->plan_file = fd;
	if (job->layer < 0)
		return 0;
	fd = create(job->layer_path);
	if (fd < 0)
		return fd;
	job->layer_file = fd;
	job->buffer = xcalloc(1, COPY_BYTES);
	return 0;
}

/* No signal is for it: all of them are the tender's. */
static int start_thread(struct store_job *job)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&job->thread, NULL, run, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static int begin(struct tender *t, struct store_job *job, const char **what)
{
	struct layer *own = NULL;
	long bytes;
	int error;

	*what = "plan";
	bytes = stored_plan_make(t, job->snapshot, &job->plan, &own);
	if (bytes < 0)
		return (int)bytes;
	job->stored.plan_bytes = (uint64_t)bytes;
	if (own) {
		job->pages = pages_get(job->snapshot->pages);
		job->layer = own->fd;
		job->stored.layer_bytes = own->bytes;
	}
	*what = "files";
	error = open_files(job);
	if (error)
		return error;
	*what = "thread";
	error = start_thread(job);
	if (!error)
		t->stores->jobs++;
	return error;
}

void store_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct store_job *job;
	struct snapshot *s;
	const char *what;
	uint64_t number;
	size_t length = frame->len - sizeof number;

	if (frame->len <= sizeof number || length >= PATH_MAX ||
	    memchr(payload + sizeof number, '\0', length)) {
		control_error(t, 0, frame->seq, EINVAL, "store of a snapshot: the message is malformed");
		return;
	}
	memcpy(&number, payload, sizeof number);
	s = snapshot_find(t, number);
	if (!s || t->stores->jobs == JOBS_MAX) {
		control_error(t, 0, frame->seq, s ? EAGAIN : ESTALE, "store of snapshot %lu: %s", number,
			      s ? "too many are under way" : "it is not known");
		return;
	}
	job = xcalloc(1, sizeof *job);
	*job = (struct store_job){
		.done_fd = t->stores->done_fd,
		.seq = frame->seq,
		.plan_file = -1,
		.layer_file = -1,
		.layer = -1,
	};
	job->snapshot = snapshot_get(s);
	snprintf(job->plan_path, sizeof job->plan_path, "%.*s.plan", (int)length, payload + sizeof number);
	snprintf(job->layer_path, sizeof job->layer_path, "%.*s.layer", (int)length, payload + sizeof number);
	job->error = begin(t, job, &what);
	if (job->error)
		fail(t, job, what);
}

void stores_init(struct tender *t)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) < 0)
		fatal(errno, "pipe of the stores");
	t->stores = xcalloc(1, sizeof *t->stores);
	t->stores->done = (struct event_source){ .fd = fds[0], .ready = store_done };
	t->stores->done_fd = fds[1];
	error = loop_add(t, &t->stores->done, EPOLLIN);
	if (error)
		fatal(-error, "pipe of the stores");
}
