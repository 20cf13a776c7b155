#include "embryo_pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "link_hub.h"
#include "procfs.h"

#define POOL_TARGET 8

static int make_embryo(struct tender *t, struct uc **made)
{
	uint64_t begin = now_ns();
	struct uc *uc;
	int pair[2];
	pid_t pid;
	int error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = zygote_clone(&t->zygote, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	uc = xcalloc(1, sizeof *uc);
	uc->link = (struct event_source){ .fd = pair[0], .ready = link_ready };
	uc->pid = pid;
	uc->host_pid = procfs_host_pid(t, pid);
	list_init(&uc->watched);
	error = events_add(t, &uc->link, EPOLLIN);
	if (error) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(pair[0]);
		free(uc);
		return error;
	}
	list_add_tail(&uc->node, &t->pool);
	t->pool_size++;
	uc->made_ns = now_ns() - begin;
	*made = uc;
	return 0;
}

bool pool_wants_more(const struct tender *t)
{
	return t->pool_size < POOL_TARGET && t->uc_count + (uint32_t)t->pool_size < t->uc_max;
}

void pool_add_one(struct tender *t)
{
	struct uc *uc;

	if (make_embryo(t, &uc) == 0)
		uc->made_ns = 0;
}

int pool_take(struct tender *t, struct uc **uc)
{
	int error = 0;

	if (t->uc_count >= t->uc_max)
		return -EAGAIN;
	if (list_empty(&t->pool))
		error = make_embryo(t, uc);
	else
		*uc = list_entry(t->pool.next, struct uc, node);
	if (error)
		return error;
	list_del(&(*uc)->node);
	t->pool_size--;
	(*uc)->state = UC_RUNNING;
	return 0;
}
