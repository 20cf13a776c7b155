#include "plan/map_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/number.h"

void map_list_add(struct map_list *l, const struct plan_map *m)
{
	struct plan_map *last = l->count ? &l->items[l->count - 1] : NULL;

	if (last && plan_map_end(last) == m->start && last->source == m->source && last->prot == m->prot &&
	    last->flags == m->flags &&
	    (m->source == PLAN_ANONYMOUS || m->flags & PLAN_PROTECT ||
	     last->offset + last->bytes == m->offset)) {
		last->bytes += m->bytes;
		return;
	}
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 16;
		l->items = xrealloc(l->items, l->size * sizeof *l->items);
	}
	l->items[l->count++] = *m;
}

const struct plan_map *map_list_find(const struct map_list *list, uint64_t addr)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (plan_map_end(&list->items[middle]) > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low < list->count ? &list->items[low] : NULL;
}

const struct plan_map *map_list_at(const struct map_list *list, uint64_t addr, uint64_t *end)
{
	const struct plan_map *m = map_list_find(list, addr);
	uint64_t border;

	if (!m)
		return NULL;
	border = m->start <= addr ? plan_map_end(m) : m->start;
	if (border < *end)
		*end = border;
	return m->start <= addr ? m : NULL;
}

static void add_part(struct map_list *l, const struct plan_map *m, uint64_t start, uint64_t end,
		     uint16_t prot)
{
	struct plan_map part = *m;

	if (start >= end)
		return;
	part.start = start;
	part.bytes = end - start;
	part.prot = prot;
	if (m->source != PLAN_ANONYMOUS)
		part.offset += start - m->start;
	map_list_add(l, &part);
}

/*
 * What old has from *i on in [start, end), the last of it perhaps in part; *i moves behind what ends there.
 */
static void add_old(struct map_list *to, const struct map_list *old, size_t *i, uint64_t start, uint64_t end,
		    const struct plan_map *protect)
{
	for (; *i < old->count && old->items[*i].start < end; (*i)++) {
		const struct plan_map *m = &old->items[*i];

		add_part(to, m, higher(start, m->start), lower(end, plan_map_end(m)),
			 protect ? protect->prot : m->prot);
		if (plan_map_end(m) > end)
			return;
	}
}

/* Moves *i behind what ends at or before addr. */
static void skip_old(const struct map_list *old, size_t *i, uint64_t addr)
{
	while (*i < old->count && plan_map_end(&old->items[*i]) <= addr)
		(*i)++;
}

void map_list_overlay(struct map_list *list, const struct plan_map *over, size_t count)
{
	struct map_list made = { 0 };
	uint64_t at = 0;
	size_t i = 0;

	if (!count)
		return;
	for (size_t j = 0; j < count; j++) {
		const struct plan_map *o = &over[j];

		add_old(&made, list, &i, at, o->start, NULL);
		at = plan_map_end(o);
		if (o->flags & PLAN_PROTECT)
			add_old(&made, list, &i, o->start, at, o);
		else
			map_list_add(&made, o);
		skip_old(list, &i, at);
	}
	add_old(&made, list, &i, at, UINT64_MAX, NULL);
	map_list_free(list);
	*list = made;
}

void map_list_free(struct map_list *list)
{
	free(list->items);
	*list = (struct map_list){ 0 };
}
