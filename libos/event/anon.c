/* Files without a name: inode numbers, stat, installation, blocking. */
#include <asm/errno.h>
#include <asm/stat.h>

#include "anon.h"
#include "include/syscall.h"
#include "lib/string.h"
#include "mm/mm.h"

#define ANON_DEV 0x0du
#define ANON_FIRST_INO 10000u

u64 anon_next_ino(void)
{
	static u64 last = ANON_FIRST_INO;

	return ++last;
}

int anon_stat(struct stat *st, u32 mode, u64 ino)
{
	memset(st, 0, sizeof *st);
	st->st_dev = ANON_DEV;
	st->st_ino = ino;
	st->st_nlink = 1;
	st->st_mode = mode;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

/* A file that could not be installed is put, and must not take priv along. */
static const struct file_ops abandoned_ops;

int anon_install(const struct file_ops *ops, u32 flags, void *priv, bool cloexec)
{
	struct file *f = file_new(&abandoned_ops, flags, NULL);

	if (!f)
		return -ENOMEM;
	file_get(f);
	int fd = fd_install(f, 0, cloexec);
	if (fd >= 0) {
		f->priv = priv;
		f->ops = ops;
	}
	file_put(f);
	return fd;
}

int anon_wait(struct waitq *q, bool nonblock)
{
	if (nonblock)
		return -EAGAIN;
	return waitq_wait(q, DEADLINE_NONE, true) == -EINTR ? -ERESTARTSYS : 0;
}
