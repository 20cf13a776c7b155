#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void vma_list_add(struct vma_list *list, const struct vma *v)
{
	if (list->count == list->size) {
		list->size = list->size ? list->size * 2 : 256;
		list->items = xrealloc(list->items, list->size * sizeof *list->items);
	}
	list->items[list->count++] = *v;
}

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

/* The inode is followed by blanks, or by the end of the line for an anonymous mapping. */
static bool inode(const char *p, uint64_t *ino)
{
	char *stop;

	if (*p < '0' || *p > '9')
		return false;
	*ino = strtoull(p, &stop, 10);
	return *stop == ' ' || *stop == '\n' || *stop == '\0';
}

int maps_parse(const char *text, struct vma_list *list)
{
	while (*text) {
		const char *p = text, *next = strchr(text, '\n');
		uint64_t major, minor;
		struct vma v;

		if (!field(&p, 16, '-', &v.start) || !field(&p, 16, ' ', &v.end) || !permissions(&p, &v) ||
		    !field(&p, 16, ' ', &v.offset) || !field(&p, 16, ':', &major) || !field(&p, 16, ' ', &minor) ||
		    !inode(p, &v.file.ino))
			return -EINVAL;
		v.file.major = (uint32_t)major;
		v.file.minor = (uint32_t)minor;
		vma_list_add(list, &v);
		text = next ? next + 1 : text + strlen(text);
	}
	return 0;
}

int maps_read(pid_t pid, struct vma_list *list)
{
	char path[64], *text;
	ssize_t n;
	int error;

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	n = read_text_at(AT_FDCWD, path, &text);
	if (n < 0)
		return (int)n;
	error = maps_parse(text, list);
	free(text);
	return error;
}

const struct vma *maps_find(const struct vma_list *list, uint64_t addr)
{
	for (size_t i = 0; i < list->count; i++)
		if (addr >= list->items[i].start && addr < list->items[i].end)
			return &list->items[i];
	return NULL;
}

void vma_list_free(struct vma_list *list)
{
	free(list->items);
	*list = (struct vma_list){ 0 };
}
