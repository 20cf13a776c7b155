/* The descriptor table. A UC is one process: there is one. */
#include "include/upcalls.h"
#include "fs.h"

#define FD_FIRST_SLOTS 64u
#define FD_HARD_LIMIT 1048576u

struct fd_slot {
	struct file *file;
	bool cloexec;
};

static struct fd_slot *slots;
static u32 slot_count;
static u32 lowest_free; /* no free slot lies below it */
static u32 soft_limit = 1024;
u32 fd_umask = 022;

int fd_limit(void)
{
	return (int)soft_limit;
}

void fd_set_limit(u32 limit)
{
	soft_limit = MIN(limit, FD_HARD_LIMIT);
}

u32 fs_umask(void)
{
	return fd_umask;
}

static int table_grow(u32 need)
{
	u32 count = slot_count ? slot_count : FD_FIRST_SLOTS;
	struct fd_slot *bigger;

	while (count < need)
		count *= 2;
	if (count == slot_count)
		return 0;
	bigger = krealloc(slots, count * sizeof *slots);
	if (!bigger)
		return -ENOMEM;
	memset(bigger + slot_count, 0, (count - slot_count) * sizeof *slots);
	slots = bigger;
	slot_count = count;
	return 0;
}

int fd_install(struct file *f, u32 min_fd, bool cloexec)
{
	u32 fd = MAX(min_fd, lowest_free);
	int err = 0;

	while (fd < slot_count && slots[fd].file)
		fd++;
	if (fd >= soft_limit)
		err = -EMFILE;
	else if (fd >= slot_count)
		err = table_grow(fd + 1);
	if (err) {
		file_put(f);
		return err;
	}
	slots[fd] = (struct fd_slot){ .file = f, .cloexec = cloexec };
	if (min_fd <= lowest_free)
		lowest_free = fd + 1;
	return (int)fd;
}

struct file *fd_peek(int fd)
{
	return fd >= 0 && (u32)fd < slot_count ? slots[fd].file : NULL;
}

struct file *fd_get(int fd)
{
	struct file *f = fd_peek(fd);

	return f ? file_get(f) : NULL;
}

struct file *fd_get_rw(int fd)
{
	struct file *f = fd_peek(fd);

	return f && !(f->flags & O_PATH) ? file_get(f) : NULL;
}

int fd_close(int fd)
{
	struct file *f = fd_peek(fd);

	if (!f)
		return -EBADF;
	slots[fd].file = NULL;
	lowest_free = MIN(lowest_free, (u32)fd);
	locks_descriptor_closed(f);
	file_put(f);
	return 0;
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
	struct file *old;
	int err = fd < 0 || (u32)fd >= soft_limit ? -EBADF : 0;

	if (!err && (u32)fd >= slot_count)
		err = table_grow((u32)fd + 1);
	if (err) {
		file_put(f);
		return err;
	}
	old = slots[fd].file;
	slots[fd] = (struct fd_slot){ .file = f, .cloexec = cloexec };
	if (old) {
		locks_descriptor_closed(old);
		file_put(old);
	}
	return fd;
}

int fd_next(int fd, struct file **out)
{
	for (u32 i = fd < 0 ? 0 : (u32)fd; i < slot_count; i++) {
		if (slots[i].file) {
			*out = slots[i].file;
			return (int)i;
		}
	}
	return -1;
}

bool fd_cloexec(int fd)
{
	return fd_peek(fd) && slots[fd].cloexec;
}

void fd_set_cloexec(int fd, bool on)
{
	if (fd_peek(fd))
		slots[fd].cloexec = on;
}
