/* signalfd(2): pending signals read as records. */
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>

#include "anon.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "signal/signal.h"
#include "sys/calls.h"

struct signalfd {
	sigmask_t mask;
	u64 ino;
};

static const struct file_ops signalfd_ops;

static bool is_fault(int signo)
{
	return signo == SIGILL || signo == SIGTRAP || signo == SIGBUS || signo == SIGFPE || signo == SIGSEGV;
}

static void signalfd_record(struct signalfd_siginfo *r, const struct ksiginfo *info)
{
	memset(r, 0, sizeof *r);
	r->ssi_signo = info->si_signo;
	r->ssi_errno = info->si_errno;
	r->ssi_code = info->si_code;
	if (info->si_code == SI_TIMER) {
		r->ssi_tid = info->u.timer.timerid;
		r->ssi_overrun = info->u.timer.overrun;
		r->ssi_ptr = info->u.timer.value;
		r->ssi_int = (s32)info->u.timer.value;
	} else if (info->si_code > SI_USER && is_fault(info->si_signo)) {
		r->ssi_addr = info->u.fault.addr;
		r->ssi_addr_lsb = info->u.fault.addr_lsb;
	} else {
		r->ssi_pid = info->u.rt.pid;
		r->ssi_uid = info->u.rt.uid;
		r->ssi_ptr = info->u.rt.value;
		r->ssi_int = (s32)info->u.rt.value;
	}
}

static ssize_t signalfd_read(struct file *f, struct uio *u, u64 *pos)
{
	struct signalfd *s = f->priv;
	struct signalfd_siginfo record;
	struct ksiginfo info;
	ssize_t done = 0;

	(void)pos;
	if (u->left < sizeof record)
		return -EINVAL;
	while (u->left >= sizeof record) {
		if (!signal_dequeue(s->mask, &info)) {
			int r = done ? -EAGAIN : anon_wait(&signal_arrived, f->flags & O_NONBLOCK);
			if (r)
				return done ? done : r;
			continue;
		}
		signalfd_record(&record, &info);
		if (uio_write(u, &record, sizeof record))
			return done ? done : -EFAULT;
		done += sizeof record;
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_ctx *ctx)
{
	struct signalfd *s = f->priv;

	poll_wait(ctx, &signal_arrived);
	return signal_pending_set() & s->mask ? POLLIN : 0;
}

static int signalfd_stat(struct file *f, struct stat *st)
{
	struct signalfd *s = f->priv;

	return anon_stat(st, S_ANON_MODE, s->ino);
}

static void signalfd_release(struct file *f)
{
	kfree(f->priv);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.stat = signalfd_stat,
	.release = signalfd_release,
};

static long signalfd_change(int fd, sigmask_t mask)
{
	struct file *f = fd_peek(fd);

	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_ops)
		return -EINVAL;
	struct signalfd *s = f->priv;
	s->mask = mask;
	waitq_wake(&signal_arrived, POLLIN);
	return fd;
}

static long signalfd_set(int fd, u64 mask_addr, u64 mask_bytes, u32 flags)
{
	sigmask_t mask;

	if (mask_bytes != sizeof mask || flags & ~(u32)(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	if (get_user_u64(&mask, mask_addr))
		return -EFAULT;
	mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	if (fd != -1)
		return signalfd_change(fd, mask);
	struct signalfd *s = kzalloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->mask = mask;
	s->ino = anon_next_ino();
	fd = anon_install(&signalfd_ops, O_RDWR | (flags & SFD_NONBLOCK), s, flags & SFD_CLOEXEC);
	if (fd < 0)
		kfree(s);
	return fd;
}

long sys_signalfd(const u64 a[6])
{
	return signalfd_set(a[0], a[1], a[2], 0);
}

long sys_signalfd4(const u64 a[6])
{
	return signalfd_set(a[0], a[1], a[2], a[3]);
}
