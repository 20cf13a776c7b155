#include "idle/write_back.h"

#include <sys/uio.h>

#include "abi/layout.h"
#include "memory/layer.h"
#include "memory/pages.h"

/* Runs of pages in one system call; Linux takes 1,024. */
#define PIECES_MAX 512
/* The tender has other UCs as well: what is more than this the UC does itself, in its own time. */
#define BYTES_MAX (512 * UC_PAGE_SIZE)
#define ZERO_BYTES (64 * UC_PAGE_SIZE)

static const char zeroes[ZERO_BYTES] __attribute__((aligned(4096)));

/* The bytes that the entry is to have, or NULL. */
static const char *source_of(const struct pages *pages, const struct plan_map *m)
{
	struct layer *layer;
	const char *data;

	if (!(m->flags & PLAN_COPY))
		return NULL;
	if (m->source == PLAN_ANONYMOUS)
		return m->bytes <= ZERO_BYTES ? zeroes : NULL;
	if (m->source < UC_IMAGE_MAX || m->source - UC_IMAGE_MAX >= pages->layer_count)
		return NULL;
	layer = pages->layers[m->source - UC_IMAGE_MAX];
	data = layer_view(layer);
	return data && m->offset <= layer->bytes && m->bytes <= layer->bytes - m->offset ? data + m->offset
											 : NULL;
}

/* How many of the list's entries from `first` on were written, all of which come next to each other. */
static size_t write_some(pid_t pid, const struct pages *pages, const struct reset_list *list, size_t first,
			 size_t *room)
{
	struct iovec from[PIECES_MAX], to[PIECES_MAX];
	size_t count = 0, bytes = 0;

	while (first + count < list->count && count < PIECES_MAX) {
		const struct plan_map *m = &list->items[first + count];
		const char *source = source_of(pages, m);

		if (!source || m->bytes > *room - bytes)
			break;
		from[count] = (struct iovec){ (void *)source, m->bytes };
		to[count++] = (struct iovec){ (void *)m->start, m->bytes };
		bytes += m->bytes;
	}
	/* Half a success is none: what was written is written again by the plan. */
	if (!count || process_vm_writev(pid, from, count, to, count, 0) != (ssize_t)bytes)
		return 0;
	*room -= bytes;
	return count;
}

void write_back(pid_t pid, const struct pages *pages, struct reset_list *list)
{
	size_t kept = 0, i = 0, room = BYTES_MAX;

	while (i < list->count) {
		size_t done = write_some(pid, pages, list, i, &room);

		i += done;
		if (!done)
			list->items[kept++] = list->items[i++];
	}
	list->count = kept;
}
