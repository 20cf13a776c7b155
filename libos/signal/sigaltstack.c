/* The alternate stack of signal handlers, per thread: sigaltstack(2). */
#include <asm/errno.h>

#include "mm/mm.h"
#include "sigstate.h"
#include "sys/calls.h"

#define MINSIGSTKSZ 2048u

static bool holds(const struct thread *t, u64 sp)
{
	const struct sig_altstack *s = &t->sig_altstack;

	return sp > s->sp && sp - s->sp <= s->bytes;
}

/* Whether sp is on the stack now; with SS_AUTODISARM nobody is, for it was disarmed at entry. */
bool sigaltstack_contains(const struct thread *t, u64 sp)
{
	return !(t->sig_altstack.flags & SS_AUTODISARM) && holds(t, sp);
}

void sigaltstack_reset(struct thread *t)
{
	t->sig_altstack = (struct sig_altstack){ .flags = SS_DISABLE };
}

/* As it is saved in a signal frame. */
struct kstack_t sigaltstack_get(const struct thread *t)
{
	const struct sig_altstack *s = &t->sig_altstack;

	return (struct kstack_t){ .sp = s->sp, .flags = s->flags, .bytes = s->bytes };
}

/* 0, -EPERM (in use), -EINVAL or -ENOMEM, as sigaltstack(2). */
int sigaltstack_set(struct thread *t, const struct kstack_t *ss, u64 sp)
{
	u32 mode = ss->flags & ~SS_AUTODISARM;

	if (sigaltstack_contains(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->sig_altstack = (struct sig_altstack){ .flags = ss->flags };
		return 0;
	}
	if (ss->bytes < MINSIGSTKSZ)
		return -ENOMEM;
	t->sig_altstack = (struct sig_altstack){ .sp = ss->sp, .bytes = ss->bytes, .flags = ss->flags };
	return 0;
}

/* a: new stack or 0, old stack or 0 (struct stack_t). */
long sys_sigaltstack(const u64 a[6])
{
	const struct sig_altstack *s = &current->sig_altstack;
	u64 sp = current->tf->rsp;
	struct kstack_t new, old = { .sp = s->sp, .bytes = s->bytes, .flags = s->flags & SS_AUTODISARM };

	if (!s->bytes)
		old.flags |= SS_DISABLE;
	else if (sigaltstack_contains(current, sp))
		old.flags |= SS_ONSTACK;
	if (a[0]) {
		if (copy_from_user(&new, a[0], sizeof(new)))
			return -EFAULT;
		int r = sigaltstack_set(current, &new, sp);
		if (r)
			return r;
	}
	return a[1] && copy_to_user(a[1], &old, sizeof(old)) ? -EFAULT : 0;
}
