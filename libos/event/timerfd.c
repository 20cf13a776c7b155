/* timerfd_create(2): timers that can be waited for. */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timerfd.h>

#include "anon.h"
#include "mm/mm.h"
#include "sys/calls.h"
#include "time/clock.h"
#include "time/timespec.h"

/*
 * A periodic timer is armed again only when someone asks for it: then the periods that went by are counted.
 */
struct timerfd {
	struct ktimer timer;
	int clock;
	bool armed;   /* timer runs towards deadline_ns */
	bool expired; /* went off and was not armed again */
	u64 deadline_ns; /* CLOCK_MONOTONIC */
	u64 interval_ns; /* 0: one shot */
	u64 ticks;       /* expirations not read yet */
	u64 ino;
	struct waitq wait;
};

static const struct file_ops timerfd_ops;

/*
 * Kernel timers run between threads: a due one may not have been called yet. It is counted here and
 * still wakes the waiters when it is called; waking them from a poll would report an edge twice.
 */
static void timerfd_check(struct timerfd *t)
{
	if (!t->armed || t->deadline_ns > clock_monotonic_ns())
		return;
	t->armed = false;
	t->expired = true;
	t->ticks++;
}

static void timerfd_due(struct ktimer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);

	timerfd_check(t);
	waitq_wake(&t->wait, POLLIN | POLLRDNORM);
}

static void timerfd_arm(struct timerfd *t, u64 deadline_ns)
{
	t->armed = true;
	t->expired = false;
	t->deadline_ns = deadline_ns;
	ktimer_set(&t->timer, deadline_ns);
}

/* Counts the periods since the last expiration and arms the timer for the next one. */
static void timerfd_forward(struct timerfd *t)
{
	if (!t->expired || !t->interval_ns)
		return;
	u64 periods = (clock_monotonic_ns() - t->deadline_ns) / t->interval_ns + 1;
	t->ticks += periods - 1;
	timerfd_arm(t, t->deadline_ns + periods * t->interval_ns);
}

static ssize_t timerfd_read(struct file *f, struct uio *u, u64 *pos)
{
	struct timerfd *t = f->priv;

	(void)pos;
	if (u->left < sizeof t->ticks)
		return -EINVAL;
	for (;;) {
		timerfd_check(t);
		if (t->ticks)
			break;
		int r = anon_wait(&t->wait, f->flags & O_NONBLOCK);
		if (r)
			return r;
	}
	timerfd_forward(t);
	u64 ticks = t->ticks;
	t->ticks = 0;
	t->expired = false;
	return uio_write(u, &ticks, sizeof ticks) ?: (ssize_t)sizeof ticks;
}

static u32 timerfd_poll(struct file *f, struct poll_ctx *ctx)
{
	struct timerfd *t = f->priv;

	poll_wait(ctx, &t->wait);
	timerfd_check(t);
	return t->ticks ? POLLIN : 0;
}

static long timerfd_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct timerfd *t = f->priv;
	u64 ticks;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (get_user_u64(&ticks, arg))
		return -EFAULT;
	if (!ticks)
		return -EINVAL;
	t->ticks = ticks;
	waitq_wake(&t->wait, POLLIN | POLLRDNORM);
	return 0;
}

static int timerfd_stat(struct file *f, struct stat *st)
{
	struct timerfd *t = f->priv;

	return anon_stat(st, S_ANON_MODE, t->ino);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;

	ktimer_cancel(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.stat = timerfd_stat,
	.release = timerfd_release,
};

long sys_timerfd_create(const u64 a[6])
{
	int clock = a[0];
	u32 flags = a[1];

	if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
	    clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	struct timerfd *t = kzalloc(sizeof *t);
	if (!t)
		return -ENOMEM;
	t->clock = clock;
	t->ino = anon_next_ino();
	waitq_init(&t->wait);
	ktimer_init(&t->timer, timerfd_due);
	int fd = anon_install(&timerfd_ops, O_RDWR | (flags & TFD_NONBLOCK), t, flags & TFD_CLOEXEC);
	if (fd < 0)
		kfree(t);
	return fd;
}

/* The timer of a descriptor with its file counted, or NULL and the error. */
static struct timerfd *timerfd_get(int fd, struct file **f, long *error)
{
	*f = fd_get(fd);
	if (!*f) {
		*error = -EBADF;
		return NULL;
	}
	if ((*f)->ops == &timerfd_ops)
		return (*f)->priv;
	file_put(*f);
	*error = -EINVAL;
	return NULL;
}

static void timerfd_value(struct timerfd *t, struct __kernel_itimerspec *v)
{
	timerfd_check(t);
	timerfd_forward(t);
	if (t->ticks)
		waitq_wake(&t->wait, POLLIN | POLLRDNORM);
	u64 now = clock_monotonic_ns();
	u64 left = t->armed ? MAX(t->deadline_ns, now + 1) - now : 0;
	v->it_value.tv_sec = left / NSEC_PER_SEC;
	v->it_value.tv_nsec = left % NSEC_PER_SEC;
	v->it_interval.tv_sec = t->interval_ns / NSEC_PER_SEC;
	v->it_interval.tv_nsec = t->interval_ns % NSEC_PER_SEC;
}

/* CLOCK_MONOTONIC deadline of a value given in the timer's clock. */
static u64 timerfd_deadline(const struct timerfd *t, u64 value_ns, bool absolute)
{
	if (!absolute)
		return deadline_after(value_ns);
	if (t->clock != CLOCK_REALTIME && t->clock != CLOCK_REALTIME_ALARM)
		return value_ns;
	u64 now = clock_realtime_ns();
	return value_ns > now ? deadline_after(value_ns - now) : clock_monotonic_ns();
}

long sys_timerfd_settime(const u64 a[6])
{
	u32 flags = a[1];
	struct __kernel_itimerspec new, old;
	u64 value_ns, interval_ns;
	struct file *f;
	long error = 0;

	if (copy_from_user(&new, a[2], sizeof new))
		return -EFAULT;
	if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (timespec_ns(new.it_value.tv_sec, new.it_value.tv_nsec, &value_ns) ||
	    timespec_ns(new.it_interval.tv_sec, new.it_interval.tv_nsec, &interval_ns))
		return -EINVAL;
	struct timerfd *t = timerfd_get(a[0], &f, &error);
	if (!t)
		return error;
	timerfd_value(t, &old);
	ktimer_cancel(&t->timer);
	t->armed = t->expired = false;
	t->ticks = 0;
	t->interval_ns = interval_ns;
	if (value_ns)
		timerfd_arm(t, timerfd_deadline(t, value_ns, flags & TFD_TIMER_ABSTIME));
	file_put(f);
	if (a[3] && copy_to_user(a[3], &old, sizeof old))
		return -EFAULT;
	return 0;
}

long sys_timerfd_gettime(const u64 a[6])
{
	struct __kernel_itimerspec value;
	struct file *f;
	long error = 0;
	struct timerfd *t = timerfd_get(a[0], &f, &error);

	if (!t)
		return error;
	timerfd_value(t, &value);
	file_put(f);
	return copy_to_user(a[1], &value, sizeof value);
}
