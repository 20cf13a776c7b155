#include "sandbox/zygote_serve.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "sandbox/embryo_start.h"
#include "sandbox/fetch.h"
#include "sandbox/template_job.h"
#include "sandbox/zygote_map.h"
#include "sandbox/zygote_setup.h"

/* Those of a deploy, and two more. */
#define REQUEST_FDS_MAX 66

struct server {
	int sock;
	const struct embryo_job *job;
	bool isolated; /* its next child is an embryo */
};

/* As one packet has it. */
struct message {
	struct zygote_request head;
	struct plan_touch touches[ZYGOTE_TOUCHES_MAX];
};
_Static_assert(offsetof(struct message, touches) == sizeof(struct zygote_request), "a packet has no padding");

static void serve(struct server *s, int result) __attribute__((noreturn));

static void die_with(pid_t tender)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != tender)
		_exit(1);
}

static void close_from(int fd)
{
	if (syscall(SYS_close_range, fd, ~0u, 0) < 0)
		_exit(1);
}

/* No byte of the snapshot is run here: it belongs to a guest. */
static void __attribute__((noreturn)) become_template(const struct server *zygote, const struct message *m,
						      const int *fds)
{
	struct server s = { .sock = COMMAND_FD };
	int error;

	die_with(zygote->job->tender);
	if (dup2(fds[0], COMMAND_FD) < 0)
		_exit(1);
	error = zygote_map(&(struct template_sources){
		.fds = fds + 1,
		.image_count = m->head.image_count,
		.plan_count = m->head.plan_count,
		.layer_count = m->head.layer_count,
	});
	close(UC_LINK_FD);
	close_from(COMMAND_FD + 1);
	s.job = embryo_job_make(zygote->job->entry, zygote->job->tender, m->touches, m->head.touch_count);
	fetch_written(s.job);
	if (m->head.exact)
		fetch_read(s.job);
	serve(&s, error);
}

static bool is_valid(const struct message *m, ssize_t bytes, int fd_count)
{
	const struct zygote_request *r = &m->head;

	if (bytes < (ssize_t)sizeof *r)
		return false;
	if (r->type > ZYGOTE_TEMPLATE)
		return false;
	if (r->type != ZYGOTE_TEMPLATE)
		return bytes == sizeof *r && fd_count == 1;
	return r->touch_count <= ZYGOTE_TOUCHES_MAX && r->image_count >= 0 && r->plan_count >= 0 &&
	       r->layer_count >= 0 && (size_t)bytes == sizeof *r + r->touch_count * sizeof m->touches[0] &&
	       fd_count == 1 + r->image_count + r->plan_count + r->layer_count;
}

static long clone_template(struct server *s, const struct message *m, const int *fds)
{
	long pid;

	if (s->isolated)
		embryo_job_share();
	s->isolated = false;
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		become_template(s, m, fds);
	return pid < 0 ? -errno : pid;
}

/* The first descriptor arrives as the lowest free one, which is UC_LINK_FD. */
static long carry_out(struct server *s, const struct message *m, const int *fds)
{
	static const enum embryo_fetch fetches[] = {
		[ZYGOTE_EMBRYO] = FETCH_NOTHING,
		[ZYGOTE_TOUCHED] = FETCH_ALL,
		[ZYGOTE_EXACT] = FETCH_EXACTLY,
	};

	if (fds[0] != UC_LINK_FD)
		return -EBADF;
	if (m->head.type == ZYGOTE_TEMPLATE)
		return clone_template(s, m, fds);
	if (!s->isolated)
		embryo_job_isolate(s->job);
	s->isolated = true;
	return embryo_clone(s->job, fetches[m->head.type]);
}

static void serve(struct server *s, int result)
{
	struct zygote_reply reply = { result };
	struct message *m = xcalloc(1, sizeof *m);

	for (;;) {
		struct iovec out = { &reply, sizeof reply }, in = { m, sizeof *m };
		int fds[REQUEST_FDS_MAX], count = 0;
		ssize_t n;

		if (send_with_fds(s->sock, &out, 1, NULL, 0, 0) != sizeof reply)
			_exit(0);
		n = recv_with_fds(s->sock, &in, 1, fds, REQUEST_FDS_MAX, &count, 0);
		if (n <= 0)
			_exit(0);
		reply.result = is_valid(m, n, count) ? (int32_t)carry_out(s, m, fds) : -EINVAL;
		for (int i = 0; i < count; i++)
			close(fds[i]);
	}
}

void zygote_serve(int sock, uint64_t embryo_entry, pid_t tender)
{
	struct server s = { .sock = sock, .job = embryo_job_make(embryo_entry, tender, NULL, 0) };

	serve(&s, 0);
}
