/* Messages queued at a socket. */
#include "packet.h"

#include <asm/errno.h>

#include "mm/mm.h"

struct unix_name *unix_name_get(struct unix_name *name)
{
	if (name)
		name->refs++;
	return name;
}

void unix_name_put(struct unix_name *name)
{
	if (!--name->refs)
		kfree(name);
}

void packet_queue_init(struct packet_queue *q)
{
	list_init(&q->packets);
	q->count = 0;
	q->charge = 0;
}

void packet_queue_clear(struct packet_queue *q)
{
	while (q->count)
		packet_pop(q);
}

struct packet *packet_new(struct sock_msg *m, u64 len, int *error)
{
	struct packet *p = kmalloc(sizeof *p + len);

	*error = p ? uio_read(m->uio, p->data, len) : -ENOMEM;
	if (*error) {
		kfree(p);
		return NULL;
	}
	p->len = len;
	p->pos = 0;
	p->name = NULL;
	p->scm = m->scm;
	m->scm = SCM_NONE;
	return p;
}

void packet_free(struct packet *p)
{
	scm_drop(&p->scm);
	if (p->name)
		unix_name_put(p->name);
	kfree(p);
}

u64 packet_charge(const struct packet *p)
{
	return sizeof *p + p->len;
}

void packet_push(struct packet_queue *q, struct packet *p)
{
	list_add_tail(&p->node, &q->packets);
	q->count++;
	q->charge += packet_charge(p);
}

struct packet *packet_first(const struct packet_queue *q)
{
	return q->count ? list_entry(q->packets.next, struct packet, node) : NULL;
}

void packet_pop(struct packet_queue *q)
{
	struct packet *p = packet_first(q);

	list_del(&p->node);
	q->count--;
	q->charge -= packet_charge(p);
	packet_free(p);
}

ssize_t packet_recv(struct packet_queue *q, struct sock_msg *m)
{
	struct packet *p = packet_first(q);
	u64 n = MIN(p->len, m->uio->left);
	ssize_t result = m->flags & MSG_TRUNC ? p->len : n;

	if (uio_write(m->uio, p->data, n))
		return -EFAULT;
	if (n < p->len)
		m->out_flags |= MSG_TRUNC;
	m->scm = p->scm;
	if (m->flags & MSG_PEEK) {
		m->scm.files = p->scm.files ? scm_files_dup(p->scm.files) : NULL;
		return result;
	}
	p->scm.files = NULL;
	packet_pop(q);
	return result;
}
