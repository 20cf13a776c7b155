#include "zygote_serve.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi/layout.h"
#include "../abi/plan.h"
#include "base.h"
#include "working_set.h"
#include "zygote.h"
#include "zygote_map.h"
#include "zygote_setup.h"

#define REQUEST_FDS_MAX 66
#define SEPARATE_PAGES_MAX 8192ul

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

struct server {
	int sock;
	uint64_t entry;
	pid_t tender;
	const struct plan_touch *touches; /* of a template */
	uint32_t touch_count;
};

/* As one packet has it. */
struct message {
	struct zygote_request head;
	struct plan_touch touches[ZYGOTE_TOUCHES_MAX];
};
_Static_assert(offsetof(struct message, touches) == sizeof(struct zygote_request), "a packet has no padding");

static void serve(const struct server *s, int result) __attribute__((noreturn));

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

/*
 * ---- working sets ----
 *
 * What is not mapped any more, or refused, is skipped: all of this only saves time later.
 */

/* What lies around the blocks of a run that may be huge pages: up to two parts, either may be empty. */
struct small_parts {
	uint64_t start, huge, huge_end, end;
};

static struct small_parts small_parts(const struct plan_touch *t)
{
	const uint64_t mask = WORKING_SET_HUGE_BYTES - 1;
	struct small_parts p = { t->start, (t->start + mask) & ~mask, (t->start + t->bytes) & ~mask, t->start + t->bytes };

	if (p.huge >= p.huge_end)
		p.huge = p.huge_end = p.end;
	return p;
}

static void populate(uint64_t start, uint64_t end, int advice)
{
	if (start < end)
		madvise((void *)start, end - start, advice);
}

/*
 * The kernel maps the pages around one that is read as well, as far as the mapping goes. It does not join mappings of
 * different advice: with one for each page, only that page is mapped. A guest may have read any number: *left bounds the
 * mappings, of which the host allows a process 65,530, and goes down by the pages.
 */
static void separate_pages(uint64_t start, uint64_t end, uint64_t *left)
{
	uint64_t pages = (end - start) / UC_PAGE_SIZE;

	if (start >= end || pages > *left)
		return;
	*left -= pages;
	for (uint64_t page = start; page <= end; page += 2 * UC_PAGE_SIZE)
		madvise((void *)page, UC_PAGE_SIZE, MADV_SEQUENTIAL);
}

static void fetch_exactly(uint64_t start, uint64_t end)
{
	uint64_t left = SEPARATE_PAGES_MAX;

	separate_pages(start, end, &left);
	populate(start, end, MADV_POPULATE_READ);
	populate(start, end + UC_PAGE_SIZE, MADV_NORMAL);
}

static void fetch_written(const struct server *s)
{
	for (uint32_t i = 0; i < s->touch_count; i++) {
		const struct plan_touch *t = &s->touches[i];

		if (t->write)
			populate(t->start, t->start + t->bytes, MADV_POPULATE_WRITE);
	}
}

/* For its embryos, which get what it has except huge pages, and mappings without a private page. */
static void fetch_read(const struct server *s)
{
	for (uint32_t i = 0; i < s->touch_count; i++) {
		const struct plan_touch *t = &s->touches[i];
		struct small_parts p = small_parts(t);

		if (t->write)
			continue;
		fetch_exactly(p.start, p.huge);
		fetch_exactly(p.huge_end, p.end);
	}
}

static void fetch_huge(const struct server *s)
{
	for (uint32_t i = 0; i < s->touch_count; i++) {
		struct small_parts p = small_parts(&s->touches[i]);

		if (!s->touches[i].write)
			populate(p.huge, p.huge_end, MADV_POPULATE_READ);
	}
}

/* Its template has fetched none of this: so what it has mapped later is what it has read. */
static void separate_working_set(const struct server *s)
{
	uint64_t left = SEPARATE_PAGES_MAX;

	for (uint32_t i = 0; i < s->touch_count; i++) {
		struct small_parts p = small_parts(&s->touches[i]);

		if (s->touches[i].write)
			continue;
		separate_pages(p.start, p.huge, &left);
		separate_pages(p.huge_end, p.end, &left);
	}
}

/* Leaves the zygote's stack for the embryo's: its own goes with the first unmap. */
static void __attribute__((noreturn)) enter_embryo(uint64_t entry)
{
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
			 :
			 : "r"(UC_SCRATCH_END), "r"(entry)
			 : "memory");
	__builtin_unreachable();
}

static void __attribute__((noreturn)) embryo(const struct server *s, enum zygote_request_type type)
{
	die_with(s->tender);
	close_from(UC_LINK_FD + 1);
	fetch_huge(s);
	if (type == ZYGOTE_TOUCHED)
		fetch_written(s);
	if (type == ZYGOTE_EXACT)
		separate_working_set(s);
	enter_embryo(s->entry);
}

/* No byte of the snapshot is run here: it belongs to a guest. */
static void __attribute__((noreturn)) become_template(const struct server *zygote, const struct message *m, const int *fds)
{
	struct server s = *zygote;
	int error;

	die_with(s.tender);
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
	s.touches = m->touches;
	s.touch_count = m->head.touch_count;
	fetch_written(&s);
	if (m->head.exact)
		fetch_read(&s);
	serve(&s, error);
}

static bool is_valid(const struct message *m, ssize_t bytes, int fd_count)
{
	const struct zygote_request *r = &m->head;

	if (bytes < (ssize_t)sizeof *r)
		return false;
	if (r->type != ZYGOTE_TEMPLATE)
		return bytes == sizeof *r && fd_count == 1;
	return r->touch_count <= ZYGOTE_TOUCHES_MAX && r->image_count >= 0 && r->plan_count >= 0 && r->layer_count >= 0 &&
	       (size_t)bytes == sizeof *r + r->touch_count * sizeof m->touches[0] &&
	       fd_count == 1 + r->image_count + r->plan_count + r->layer_count;
}

/* The first descriptor arrives as the lowest free one, which is UC_LINK_FD. */
static int carry_out(const struct server *s, const struct message *m, const int *fds)
{
	long pid;

	if (fds[0] != UC_LINK_FD)
		return -EBADF;
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0 && m->head.type == ZYGOTE_TEMPLATE)
		become_template(s, m, fds);
	if (pid == 0)
		embryo(s, m->head.type);
	return pid < 0 ? -errno : (int)pid;
}

static void serve(const struct server *s, int result)
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
		reply.result = is_valid(m, n, count) ? carry_out(s, m, fds) : -EINVAL;
		for (int i = 0; i < count; i++)
			close(fds[i]);
	}
}

void zygote_serve(int sock, uint64_t embryo_entry, pid_t tender)
{
	struct server s = { .sock = sock, .entry = embryo_entry, .tender = tender };

	serve(&s, 0);
}
