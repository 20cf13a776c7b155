#include "start/embryo_pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/descriptors.h"
#include "loop/loop.h"
#include "tender.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

/* Embryos without a template that stand ready for a burst of starts. */
#define POOL_TARGET 8

int embryo_make(struct tender *t, const struct zygote *from, enum embryo_fetch fetch, struct uc **made)
{
	uint64_t begin = now_ns();
	struct uc *uc;
	int pair[2];
	pid_t pid;
	int error = descriptors_check();

	if (error)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = zygote_clone(from, pair[1], fetch);
	close(pair[1]);
	/* Without it no context can be made any more: another tender takes over. */
	if (from == &t->zygote && (pid == -EPIPE || pid == -ECONNRESET || pid == -ETIMEDOUT))
		fatal(-pid, "the zygote does not answer");
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	uc = uc_new();
	uc->link = (struct event_source){ .fd = pair[0], .ready = link_ready };
	uc->pid = pid;
	uc->fetch = fetch;
	error = loop_add(t, &uc->link, EPOLLIN);
	if (error) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(pair[0]);
		free(uc);
		return error;
	}
	uc->made_ns = now_ns() - begin;
	*made = uc;
	return 0;
}

void pool_init(struct tender *t)
{
	list_init(&t->pool.ready);
}

bool pool_wants_more(const struct tender *t)
{
	return t->pool.count < POOL_TARGET && uc_count(t) + (uint32_t)t->pool.count < t->uc_max;
}

void pool_add_one(struct tender *t)
{
	struct uc *uc;

	if (embryo_make(t, &t->zygote, FETCH_NOTHING, &uc))
		return;
	uc->made_ns = 0;
	uc->in_pool = true;
	list_add_tail(&uc->node, &t->pool.ready);
	t->pool.count++;
}

void pool_lost(struct tender *t, const struct uc *uc)
{
	t->pool.count -= uc->in_pool;
}

int pool_take(struct tender *t, struct uc **uc)
{
	if (list_empty(&t->pool.ready))
		return embryo_make(t, &t->zygote, FETCH_NOTHING, uc);
	*uc = list_entry(t->pool.ready.next, struct uc, node);
	list_del(&(*uc)->node);
	(*uc)->in_pool = false;
	t->pool.count--;
	return 0;
}
