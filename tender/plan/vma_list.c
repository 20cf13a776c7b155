#include "plan/vma_list.h"

#include <stdlib.h>

#include "base/base.h"

/* Mappings that the kernel keeps apart although they are the same to a guest. */
static bool continues(const struct vma *last, const struct vma *v)
{
	return last->end == v->start && file_id_equal(&last->file, &v->file) && last->prot == v->prot &&
	       last->shared == v->shared && !last->vdso && !v->vdso &&
	       (!v->file.ino || v->offset == last->offset + (last->end - last->start));
}

void vma_list_add(struct vma_list *list, const struct vma *v)
{
	if (list->count && continues(&list->items[list->count - 1], v)) {
		list->items[list->count - 1].end = v->end;
		return;
	}
	if (list->count == list->size) {
		list->size = list->size ? list->size * 2 : 256;
		list->items = xrealloc(list->items, list->size * sizeof *list->items);
	}
	list->items[list->count++] = *v;
}

const struct vma *vma_list_find(const struct vma_list *list, uint64_t addr)
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
