/* File locks, fcntl_locking(2) and flock(2). POSIX locks belong to the process, of which there is one. */
#include "fs.h"
#include "host/link.h"
#include "include/syscall.h"

#define RANGE_END ((u64)INT64_MAX)

enum lock_kind { KIND_POSIX, KIND_OFD, KIND_FLOCK };

struct file_lock {
	struct list_node node;
	enum lock_kind kind;
	const struct file *owner; /* NULL: the process */
	bool write;
	u64 start, end; /* both belong to the range */
};

static struct waitq lock_released = WAITQ_INIT(lock_released);

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool conflict(const struct file_lock *a, const struct file_lock *b)
{
	if ((a->kind == KIND_FLOCK) != (b->kind == KIND_FLOCK) || same_owner(a, b))
		return false;
	return (a->write || b->write) && a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct inode *i, const struct file_lock *want)
{
	list_for_each(n, &i->locks) {
		struct file_lock *have = list_entry(n, struct file_lock, node);

		if (conflict(have, want))
			return have;
	}
	return NULL;
}

static struct file_lock *lock_copy(const struct file_lock *from)
{
	struct file_lock *l = kmalloc(sizeof *l);

	if (l) {
		*l = *from;
		list_init(&l->node);
	}
	return l;
}

static void lock_drop(struct file_lock *l)
{
	list_del(&l->node);
	kfree(l);
}

/* Takes the range of cut away from the locks of the same owner; *spare serves when one falls in two. */
static void cut_range(struct inode *i, const struct file_lock *cut, struct file_lock **spare)
{
	list_for_each_safe(n, next, &i->locks) {
		struct file_lock *l = list_entry(n, struct file_lock, node);

		if (!same_owner(l, cut) || l->start > cut->end || l->end < cut->start)
			continue;
		if (l->start < cut->start && l->end > cut->end) {
			struct file_lock *right = *spare;

			*spare = NULL;
			*right = *l;
			right->start = cut->end + 1;
			list_add(&right->node, &l->node);
			l->end = cut->start - 1;
		} else if (l->start < cut->start) {
			l->end = cut->start - 1;
		} else if (l->end > cut->end) {
			l->start = cut->end + 1;
		} else {
			lock_drop(l);
		}
	}
}

/* Joins neighbours of one owner and type, so that F_GETLK reports them as one. */
static void merge_into(struct inode *i, struct file_lock *l)
{
	list_for_each_safe(n, next, &i->locks) {
		struct file_lock *o = list_entry(n, struct file_lock, node);

		if (o == l || !same_owner(o, l) || o->write != l->write)
			continue;
		if (o->end + 1 != l->start && l->end + 1 != o->start)
			continue;
		l->start = MIN(l->start, o->start);
		l->end = MAX(l->end, o->end);
		lock_drop(o);
	}
}

static int wait_for_release(void)
{
	return waitq_wait(&lock_released, DEADLINE_NONE, true) == -EINTR ? -ERESTARTSYS : 0;
}

static int lock_set(struct inode *i, const struct file_lock *want, bool unlock, bool wait)
{
	struct file_lock *spare, *l = NULL;

	while (!unlock && find_conflict(i, want)) {
		int err = wait ? wait_for_release() : -EAGAIN;

		if (err)
			return err;
	}
	spare = lock_copy(want);
	if (!unlock)
		l = lock_copy(want);
	if (!spare || (!unlock && !l)) {
		kfree(spare);
		kfree(l);
		return -ENOLCK;
	}
	cut_range(i, want, &spare);
	kfree(spare);
	if (l) {
		list_add_tail(&l->node, &i->locks);
		merge_into(i, l);
	}
	waitq_wake(&lock_released, 0);
	return 0;
}

static int range_of(struct file *f, const struct flock *fl, struct file_lock *l)
{
	s64 start, end;

	switch (fl->l_whence) {
	case 0:
		start = 0;
		break;
	case 1:
		start = (s64)f->pos;
		break;
	case 2:
		start = (s64)f->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(start, fl->l_start, &start))
		return -EOVERFLOW;
	if (fl->l_len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, fl->l_len, &start))
			return -EINVAL;
	} else if (!fl->l_len) {
		end = (s64)RANGE_END;
	} else if (__builtin_add_overflow(start, fl->l_len - 1, &end)) {
		return -EOVERFLOW;
	}
	if (start < 0)
		return -EINVAL;
	l->start = (u64)start;
	l->end = (u64)end;
	return 0;
}

static int lock_get(struct file *f, struct flock *fl, const struct file_lock *want)
{
	struct file_lock *have = find_conflict(f->inode, want);

	if (!have) {
		fl->l_type = F_UNLCK;
		return 0;
	}
	fl->l_type = have->write ? F_WRLCK : F_RDLCK;
	fl->l_whence = 0;
	fl->l_start = (long)have->start;
	fl->l_len = have->end == RANGE_END ? 0 : (long)(have->end - have->start + 1);
	fl->l_pid = have->kind == KIND_OFD ? -1 : (int)uc_identity.pid;
	return 0;
}

long lock_fcntl(struct file *f, u32 cmd, u64 arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct file_lock want = { .kind = ofd ? KIND_OFD : KIND_POSIX, .owner = ofd ? f : NULL };
	struct flock fl;
	int err;

	if (copy_from_user(&fl, arg, sizeof fl))
		return -EFAULT;
	if (!f->inode || (ofd && fl.l_pid))
		return -EINVAL;
	if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && fl.l_type != F_UNLCK)
		return -EINVAL;
	err = range_of(f, &fl, &want);
	if (err)
		return err;
	want.write = fl.l_type == F_WRLCK;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
		if (fl.l_type == F_UNLCK)
			return -EINVAL;
		err = lock_get(f, &fl, &want);
		return err ? err : copy_to_user(arg, &fl, sizeof fl);
	}
	if ((fl.l_type == F_RDLCK && !file_readable(f)) || (want.write && !file_writable(f)))
		return -EBADF;
	return lock_set(f->inode, &want, fl.l_type == F_UNLCK, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

static void drop_owned(struct inode *i, enum lock_kind kind, const struct file *owner)
{
	bool dropped = false;

	list_for_each_safe(n, next, &i->locks) {
		struct file_lock *l = list_entry(n, struct file_lock, node);

		if (l->kind == kind && l->owner == owner) {
			lock_drop(l);
			dropped = true;
		}
	}
	if (dropped)
		waitq_wake(&lock_released, 0);
}

long lock_flock(struct file *f, u32 op)
{
	u32 type = op & ~(u32)LOCK_NB;
	struct file_lock want = {
		.kind = KIND_FLOCK, .owner = f, .write = type == LOCK_EX, .end = RANGE_END
	};

	if (!f->inode)
		return -EBADF;
	if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
		return -EINVAL;
	/* As flock(2) has it, a conversion first gives up the old lock. */
	drop_owned(f->inode, KIND_FLOCK, f);
	return type == LOCK_UN ? 0 : lock_set(f->inode, &want, false, !(op & LOCK_NB));
}

void locks_file_released(struct file *f)
{
	drop_owned(f->inode, KIND_FLOCK, f);
	drop_owned(f->inode, KIND_OFD, f);
}

void locks_descriptor_closed(struct file *f)
{
	if (f->inode)
		drop_owned(f->inode, KIND_POSIX, NULL);
}
