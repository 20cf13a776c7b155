/* fifo(7): pipes opened by name. */
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>

#include "event/anon.h"
#include "include/syscall.h"
#include "mm/mm.h"
#include "pipe.h"

static struct list_node open_fifos = { &open_fifos, &open_fifos };

static struct pipe *fifo_find(const struct inode *i)
{
	list_for_each(n, &open_fifos) {
		struct pipe *p = list_entry(n, struct pipe, named);

		if (p->inode == i)
			return p;
	}
	return NULL;
}

static struct pipe *fifo_get(struct inode *i)
{
	struct pipe *p = fifo_find(i);

	if (p)
		return p;
	p = pipe_new();
	if (!p)
		return NULL;
	p->inode = i;
	list_add_tail(&p->named, &open_fifos);
	return p;
}

/* Waits until *opens, ends of the other kind ever opened, changes. */
static int fifo_wait(struct pipe *p, const u64 *opens)
{
	u64 before = *opens;

	while (*opens == before) {
		int r = anon_wait(&p->wait, false);
		if (r)
			return r;
	}
	return 0;
}

int fifo_open(struct inode *i, struct file *f)
{
	bool nonblock = f->flags & O_NONBLOCK;
	bool reads = file_readable(f), writes = file_writable(f);
	struct pipe *p = fifo_find(i);
	int r = 0;

	if (writes && !reads && nonblock && !(p && p->readers))
		return -ENXIO;
	p = fifo_get(i);
	if (!p)
		return -ENOMEM;
	pipe_open_end(p, f);
	waitq_wake(&p->wait, POLLIN | POLLOUT);
	if (reads && !writes && !p->writers) {
		if (nonblock)
			f->pos = p->writer_opens;
		else
			r = fifo_wait(p, &p->writer_opens);
	} else if (writes && !reads && !p->readers) {
		r = fifo_wait(p, &p->reader_opens);
	}
	if (r) {
		pipe_close_end(p, f);
		return r;
	}
	f->ops = &fifo_ops;
	f->priv = p;
	return 0;
}
