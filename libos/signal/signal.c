/* Pending signals: queueing, choosing the thread that takes one, and taking it. */
#include <asm/errno.h>
#include <asm/poll.h>

#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "sigstate.h"
#include "time/posixtimer.h"

static struct sig_pending sig_shared; /* directed at the process */
struct waitq signal_arrived = WAITQ_INIT(signal_arrived);
static u32 queued_count; /* struct sig_queued that kmalloc gave */

static void pending_add(struct sig_pending *p, struct sig_queued *q)
{
	if (!p->queue.next)
		list_init(&p->queue);
	list_add_tail(&q->node, &p->queue);
	p->set |= SIGBIT(q->signo);
}

static struct sig_queued *pending_find(struct sig_pending *p, int signo)
{
	if (!p->queue.next)
		return NULL;
	list_for_each(n, &p->queue) {
		struct sig_queued *q = list_entry(n, struct sig_queued, node);
		if (q->signo == signo)
			return q;
	}
	return NULL;
}

/* Unlinks q; the set keeps the signal's bit only if there is another instance. */
static void pending_unlink(struct sig_pending *p, struct sig_queued *q)
{
	list_del(&q->node);
	if (!pending_find(p, q->signo))
		p->set &= ~SIGBIT(q->signo);
}

/* Ends q's time in a queue; info, if not NULL, gets what it says. */
static void queued_take(struct sig_pending *p, struct sig_queued *q, struct ksiginfo *info)
{
	pending_unlink(p, q);
	bool owned = posixtimer_taken(q);
	if (info)
		memcpy(info, q->info, sizeof(*info));
	if (owned)
		return;
	queued_count--;
	kfree(q);
}

static void pending_flush(struct sig_pending *p, int signo)
{
	struct sig_queued *q;

	while ((q = pending_find(p, signo)))
		queued_take(p, q, NULL);
	p->set &= ~SIGBIT(signo);
}

void sig_flush(int signo)
{
	pending_flush(&sig_shared, signo);
	list_for_each(n, &threads)
		pending_flush(&list_entry(n, struct thread, all)->sig_pending, signo);
}

/* Whether t would take signo now, by its mask or in rt_sigtimedwait. */
static bool thread_wants(const struct thread *t, int signo)
{
	return t->state != THREAD_DEAD && ((~t->sig_mask | t->sig_wait) & SIGBIT(signo));
}

/* Wakes a thread that takes a signal of the process; the oldest first, so the main thread when it can. */
static void wake_taker(int signo)
{
	list_for_each(n, &threads) {
		struct thread *t = list_entry(n, struct thread, all);
		if (!thread_wants(t, signo))
			continue;
		if (t->state == THREAD_BLOCKED)
			sched_wake(t);
		return;
	}
}

static void wake_for(struct thread *t, int signo)
{
	waitq_wake(&signal_arrived, POLLIN);
	if (!t)
		wake_taker(signo);
	else if (t->state == THREAD_BLOCKED && thread_wants(t, signo))
		sched_wake(t);
}

/*
 * As Linux: an ignored signal is dropped when sent, unless it is blocked, for it may be waited for.
 * For one directed at the process the oldest thread's mask decides.
 */
static bool dropped(const struct thread *t, int signo)
{
	if (!t)
		t = list_entry(threads.next, struct thread, all);
	return sig_is_ignored(signo) && !((t->sig_mask | t->sig_wait) & SIGBIT(signo));
}

static bool carries_data(int signo, const struct ksiginfo *info)
{
	return signo >= SIGRTMIN && info && info->si_code != SI_USER;
}

int sig_send(struct thread *t, int signo, const struct ksiginfo *info)
{
	struct sig_pending *p = t ? &t->sig_pending : &sig_shared;

	if (signo == SIGKILL)
		uc_exit(0, SIGKILL);
	if (dropped(t, signo) || (signo < SIGRTMIN && (p->set & SIGBIT(signo))))
		return 0;
	struct sig_queued *q = queued_count < SIGQUEUE_MAX ? kzalloc(sizeof(*q)) : NULL;
	if (!q && carries_data(signo, info))
		return -EAGAIN;
	if (q) {
		struct ksiginfo kernel = { .si_code = SI_KERNEL };
		q->signo = signo;
		memcpy(q->info, info ? info : &kernel, sizeof(q->info));
		((struct ksiginfo *)q->info)->si_signo = signo;
		queued_count++;
		pending_add(p, q);
	}
	p->set |= SIGBIT(signo);
	wake_for(t, signo);
	return 0;
}

bool sig_send_owned(struct thread *t, struct sig_queued *q)
{
	if (q->signo == SIGKILL)
		uc_exit(0, SIGKILL);
	if (dropped(t, q->signo))
		return false;
	pending_add(t ? &t->sig_pending : &sig_shared, q);
	wake_for(t, q->signo);
	return true;
}

void sig_revoke_owned(struct thread *t, struct sig_queued *q)
{
	if (!list_empty(&q->node))
		pending_unlink(t ? &t->sig_pending : &sig_shared, q);
}

void signal_send_process(int signo, const struct ksiginfo *info)
{
	sig_send(NULL, signo, info);
}

void signal_send_thread(struct thread *t, int signo, const struct ksiginfo *info)
{
	sig_send(t, signo, info);
}

void signal_force(const struct ksiginfo *info)
{
	int signo = info->si_signo;
	struct ksigaction *sa = &sig_actions[signo - 1];

	if ((current->sig_mask & SIGBIT(signo)) || sa->handler == SIG_IGN) {
		sa->handler = SIG_DFL;
		current->sig_mask &= ~SIGBIT(signo);
	}
	/* One sent by kill(2) must not stand for the fault. */
	pending_flush(&current->sig_pending, signo);
	sig_send(current, signo, info);
}

static sigmask_t pending_set(const struct thread *t)
{
	return t->sig_pending.set | sig_shared.set;
}

sigmask_t signal_pending_set(void)
{
	return pending_set(current);
}

bool signal_pending(const struct thread *t)
{
	sigmask_t set = pending_set(t);

	if (likely(!(set & (~t->sig_mask | t->sig_wait))))
		return false;
	if (set & t->sig_wait)
		return true;
	set &= ~t->sig_mask;
	for (int signo = 1; signo <= NSIG; signo++) {
		if ((set & SIGBIT(signo)) && !sig_is_ignored(signo))
			return true;
	}
	return false;
}

static int take(struct sig_pending *p, sigmask_t set, struct ksiginfo *info)
{
	set &= p->set;
	if (!set)
		return 0;
	int signo = __builtin_ctzll(set) + 1;
	struct sig_queued *q = pending_find(p, signo);
	if (!q) { /* it came when there was no room for its siginfo */
		*info = (struct ksiginfo){ .si_signo = signo, .si_code = SI_USER };
		p->set &= ~SIGBIT(signo);
		return signo;
	}
	queued_take(p, q, info);
	return signo;
}

int signal_dequeue(sigmask_t set, struct ksiginfo *info)
{
	int signo = take(&current->sig_pending, set & SIG_SYNCHRONOUS, info);

	if (!signo)
		signo = take(&current->sig_pending, set, info);
	if (!signo)
		signo = take(&sig_shared, set, info);
	return signo;
}

void signal_set_mask(sigmask_t mask)
{
	mask &= ~SIG_UNBLOCKABLE;
	sigmask_t closed = mask & ~current->sig_mask & sig_shared.set;
	current->sig_mask = mask;
	for (int signo = 1; closed; signo++, closed >>= 1) {
		if (closed & 1)
			wake_taker(signo);
	}
}

void signal_set_temporary_mask(sigmask_t mask)
{
	current->sig_saved_mask = current->sig_mask;
	current->sig_restore_mask = true;
	signal_set_mask(mask);
}

int signal_copy_mask(sigmask_t *mask, u64 user_set, u64 bytes)
{
	if (bytes != sizeof(*mask))
		return -EINVAL;
	if (get_user_u64(mask, user_set))
		return -EFAULT;
	*mask &= ~SIG_UNBLOCKABLE;
	return 0;
}

void signal_thread_init(struct thread *t)
{
	t->sig_mask = current->sig_mask;
	t->sig_pending.set = 0;
	list_init(&t->sig_pending.queue);
	sigaltstack_reset(t);
}

void signal_thread_exit(struct thread *t)
{
	for (int signo = 1; signo <= NSIG; signo++)
		pending_flush(&t->sig_pending, signo);
	t->sig_wait = 0;
	/* What it was woken for and did not take is another's now. */
	t->sig_mask = ~0ull;
	for (int signo = 1; signo <= NSIG; signo++) {
		if (sig_shared.set & SIGBIT(signo))
			wake_taker(signo);
	}
}
