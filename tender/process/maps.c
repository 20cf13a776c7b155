#include "process/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/layout.h"
#include "loop/operation.h"

/* A number in base, ended by the character `end`; moves *p behind that. */
static bool field(const char **p, int base, char end, uint64_t *value)
{
	char *stop;

	/* strtoull would take blanks and signs as well. */
	if (strchr(" +-", **p))
		return false;
	errno = 0;
	*value = strtoull(*p, &stop, base);
	if (errno || stop == *p || *stop != end)
		return false;
	*p = stop + 1;
	return true;
}

static bool permissions(const char **p, struct vma *v)
{
	const char *s = *p;

	if (strlen(s) < 5 || s[4] != ' ')
		return false;
	v->prot = (uint16_t)((s[0] == 'r' ? PROT_READ : 0) | (s[1] == 'w' ? PROT_WRITE : 0) |
			     (s[2] == 'x' ? PROT_EXEC : 0));
	v->shared = s[3] == 's';
	*p = s + 5;
	return true;
}

/* What the kernel calls the parts of the host's vDSO: no other mapping can have such a name. */
static bool is_vdso(const char *name)
{
	return !strncmp(name, "[vdso]", 6) || !strncmp(name, "[vvar", 5);
}

/*
 * The inode is followed by blanks, or by the end of the line for an anonymous mapping; then a name may come.
 */
static bool inode(const char *p, struct vma *v)
{
	char *stop;

	if (*p < '0' || *p > '9')
		return false;
	v->file.ino = strtoull(p, &stop, 10);
	p = stop + strspn(stop, " ");
	v->vdso = is_vdso(p);
	return *stop == ' ' || *stop == '\n' || *stop == '\0';
}

int maps_parse(const char *text, struct vma_list *list)
{
	while (*text) {
		const char *p = text, *next = strchr(text, '\n');
		uint64_t major, minor;
		struct vma v;

		if (!field(&p, 16, '-', &v.start) || !field(&p, 16, ' ', &v.end) || !permissions(&p, &v) ||
		    !field(&p, 16, ' ', &v.offset) || !field(&p, 16, ':', &major) ||
		    !field(&p, 16, ' ', &minor) || !inode(p, &v))
			return -EINVAL;
		v.file.major = (uint32_t)major;
		v.file.minor = (uint32_t)minor;
		vma_list_add(list, &v);
		text = next ? next + 1 : text + strlen(text);
	}
	return 0;
}

/* PROCMAP_QUERY, from Linux 6.11 on: Documentation/filesystems/proc.rst. */
#define QUERY_VMA_WRITABLE 0x02u
#define QUERY_VMA_READABLE 0x01u
#define QUERY_VMA_EXECUTABLE 0x04u
#define QUERY_VMA_SHARED 0x08u
#define QUERY_COVERING_OR_NEXT 0x10u

struct map_query {
	__u64 size, flags, addr;
	__u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	__u32 dev_major, dev_minor, name_size, build_id_size;
	__u64 name_addr, build_id_addr;
};

#define QUERY _IOWR('f', 17, struct map_query)
/* Names are asked for only to know the vDSO. */
#define NAME_BYTES 256
/* Between two looks at the clock. */
#define STEP_MAPPINGS 256u
#define TEXT_BYTES 16384

static struct vma answer(const struct map_query *q, const char *name)
{
	return (struct vma){
		.start = q->vma_start,
		.end = q->vma_end,
		.offset = q->vma_offset,
		.file = { q->dev_major, q->dev_minor, q->inode },
		.prot = (uint16_t)((q->vma_flags & QUERY_VMA_READABLE ? PROT_READ : 0) |
				   (q->vma_flags & QUERY_VMA_WRITABLE ? PROT_WRITE : 0) |
				   (q->vma_flags & QUERY_VMA_EXECUTABLE ? PROT_EXEC : 0)),
		.shared = q->vma_flags & QUERY_VMA_SHARED,
		.vdso = q->name_size && is_vdso(name),
	};
}

/*
 * Names cost more than the rest, and are asked for only where they matter. 0 or -errno, -ENOTTY when there is
 * no such call.
 */
static int query_all(int fd, struct vma_list *list)
{
	struct map_query q = { .size = sizeof q, .flags = QUERY_COVERING_OR_NEXT };
	char name[NAME_BYTES];
	bool named = false;
	unsigned count = 0;
	struct vma v;
	int error;

	for (;;) {
		q.name_addr = named ? (uintptr_t)name : 0;
		q.name_size = named ? sizeof name : 0;
		if (ioctl(fd, QUERY, &q) < 0)
			return errno == ENOENT ? 0 : -errno;
		if (!named && q.vma_start < UC_VDSO_END && q.vma_end > UC_VDSO_BASE) {
			named = true;
			continue;
		}
		v = answer(&q, name);
		vma_list_add(list, &v);
		named = false;
		q.addr = q.vma_end;
		if (++count > MAPPINGS_MAX)
			return -E2BIG;
		error = count % STEP_MAPPINGS ? 0 : operation_pause_if_due();
		if (error)
			return error;
	}
}

/* Line by line, as far as the buffer goes; the kernel hands out whole lines. */
static int read_text(int fd, struct vma_list *list, unsigned *count)
{
	char text[TEXT_BYTES + 1];
	ssize_t n;
	int error = 0;

	while (!error && (n = read(fd, text, TEXT_BYTES)) != 0) {
		if (n < 0)
			return -errno;
		text[n] = '\0';
		for (const char *p = text; (p = strchr(p, '\n')); p++)
			++*count;
		error = *count > MAPPINGS_MAX ? -E2BIG : maps_parse(text, list);
		if (!error)
			error = operation_pause_if_due();
	}
	return error;
}

static int open_maps(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int maps_read(pid_t pid, struct vma_list *list)
{
	unsigned count = 0;
	int fd = open_maps(pid), error;

	if (fd < 0)
		return fd;
	error = query_all(fd, list);
	if (error == -ENOTTY)
		error = read_text(fd, list, &count);
	close(fd);
	return error;
}

static int query_one(pid_t pid, uint64_t addr, struct vma *v)
{
	struct map_query q = { .size = sizeof q, .addr = addr };
	int fd = open_maps(pid), error = 0;

	if (fd < 0)
		return fd;
	if (ioctl(fd, QUERY, &q) < 0)
		error = -errno;
	close(fd);
	if (!error)
		*v = answer(&q, "");
	return error;
}

int maps_read_one(pid_t pid, uint64_t addr, struct vma *v)
{
	struct vma_list list = { 0 };
	const struct vma *found = NULL;
	int error = query_one(pid, addr, v);

	if (error != -ENOTTY)
		return error;
	error = maps_read(pid, &list);
	if (!error)
		found = vma_list_find(&list, addr);
	if (found)
		*v = *found;
	vma_list_free(&list);
	return error ? error : found ? 0 : -ENOENT;
}
