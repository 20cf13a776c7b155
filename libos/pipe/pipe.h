/* What pipe.c (pipe(2), reading and writing) and fifo.c (open by name) share. */
#ifndef LIBOS_PIPE_PIPE_H
#define LIBOS_PIPE_PIPE_H

#include "bytequeue.h"
#include "thread/thread.h"

struct pipe {
	struct bytequeue queue;
	u64 capacity;
	u32 readers, writers;       /* open ends */
	u64 reader_opens, writer_opens; /* ends ever opened: who opens a FIFO waits for a change */
	struct waitq wait;
	u64 ino;
	struct list_node named; /* list of fifo.c */
	struct inode *inode;    /* of a FIFO, not counted: its files hold it */
};

/*
 * file->pos of a pipe's end is the number of writers opened when it was; a reader that was there
 * before any writer gets no POLLHUP for their absence.
 */
extern const struct file_ops pipe_ops, fifo_ops;
/* splice(2) takes one file that is a pipe, and asks which. */
bool file_is_pipe(const struct file *f);
struct pipe *pipe_new(void);
void pipe_open_end(struct pipe *p, const struct file *f);
/*
 * fifo.c: opens the FIFO that i names, with f->flags as open(2) got them; sets f->ops and
 * f->priv. Blocks until there is an other end, as fifo(7) says; 0, -ENXIO, -ERESTARTSYS or -ENOMEM.
 */
int fifo_open(struct inode *i, struct file *f);
/* Gives up an end; the last one frees p. */
void pipe_close_end(struct pipe *p, const struct file *f);

#endif
