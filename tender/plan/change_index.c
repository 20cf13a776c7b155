#include "plan/change_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "base/base.h"
#include "plan/page_changes.h"

static void append(struct change_index *x, uint64_t addr, const char *record)
{
	if (x->count == x->size) {
		x->size = x->size ? x->size * 2 : 512;
		x->items = xrealloc(x->items, x->size * sizeof *x->items);
	}
	x->items[x->count++] = (struct indexed_change){ addr, record };
}

/* Both lists ascend. */
static void hide(struct change_index *x, const struct plan_map *maps, size_t map_count)
{
	size_t kept = 0, m = 0;

	for (size_t i = 0; i < x->count; i++) {
		uint64_t addr = x->items[i].addr;

		while (m < map_count && maps[m].start + maps[m].bytes <= addr)
			m++;
		if (m == map_count || maps[m].start > addr || maps[m].flags & PLAN_PROTECT)
			x->items[kept++] = x->items[i];
	}
	x->count = kept;
}

/* The first `earlier` items and the rest are sorted each. */
static void merge(struct change_index *x, size_t earlier)
{
	struct indexed_change *all;
	size_t i = 0, j = earlier;

	if (!earlier || earlier == x->count)
		return;
	all = xcalloc(x->count, sizeof *all);
	for (size_t to = 0; to < x->count; to++)
		all[to] = j == x->count || (i < earlier && x->items[i].addr <= x->items[j].addr)
				  ? x->items[i++]
				  : x->items[j++];
	free(x->items);
	x->items = all;
	x->size = x->count;
}

void change_index_add(struct change_index *x, const struct plan_map *maps, size_t map_count,
		      const char *changes, size_t change_bytes)
{
	size_t earlier;

	hide(x, maps, map_count);
	earlier = x->count;
	for (const char *at = changes, *end = at + change_bytes; at < end;) {
		struct plan_change change;
		const char *next = page_changes_next(at, &change);

		append(x, (uint64_t)change.page * UC_PAGE_SIZE, at);
		at = next;
	}
	merge(x, earlier);
}

size_t change_index_find(const struct change_index *x, uint64_t addr)
{
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (x->items[middle].addr >= addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void change_index_free(struct change_index *x)
{
	free(x->items);
	*x = (struct change_index){ 0 };
}
