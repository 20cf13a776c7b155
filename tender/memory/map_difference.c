#include "memory/map_difference.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "abi/layout.h"
#include "base/base.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "plan/map_list.h"
#include "plan/plan.h"

/* Copying so little costs less than a mapping, and the page faults that come with it. */
#define COPY_BYTES_MAX (8 * UC_PAGE_SIZE)

struct parts {
	struct plan_map *items;
	size_t count, size;
};

static void add_part(struct parts *parts, const struct plan_map *m, uint64_t start, uint64_t end)
{
	struct plan_map *last = parts->count ? &parts->items[parts->count - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->start + last->bytes == start && start > m->start) {
		last->bytes += end - start; /* goes on within m */
		return;
	}
	if (parts->count == parts->size) {
		parts->size = parts->size ? parts->size * 2 : 128;
		parts->items = xrealloc(parts->items, parts->size * sizeof *parts->items);
	}
	parts->items[parts->count] = *m;
	parts->items[parts->count].start = start;
	parts->items[parts->count].bytes = end - start;
	if (m->source != PLAN_ANONYMOUS)
		parts->items[parts->count].offset += start - m->start;
	parts->count++;
}

static bool same_file(const struct mapped_snapshot *a, uint16_t in_a, const struct mapped_snapshot *b,
		      uint16_t in_b)
{
	if (in_a == PLAN_ANONYMOUS || in_b == PLAN_ANONYMOUS)
		return in_a == in_b;
	if (in_a < UC_IMAGE_MAX || in_b < UC_IMAGE_MAX)
		return in_a == in_b && in_a < a->snapshot->image_count && in_b < b->snapshot->image_count &&
		       a->snapshot->images[in_a] == b->snapshot->images[in_b];
	return a->pages->layers[in_a - UC_IMAGE_MAX] == b->pages->layers[in_b - UC_IMAGE_MAX];
}

/* Both show the same where they overlap. */
static bool same(const struct mapped_snapshot *child, const struct plan_map *c,
		 const struct mapped_snapshot *parent, const struct plan_map *p)
{
	return c->prot == p->prot && same_file(child, c->source, parent, p->source) &&
	       (c->source == PLAN_ANONYMOUS || c->offset - c->start == p->offset - p->start);
}

/* The child has all of [start, end); maps from *at on. */
static bool covered(const struct mapped_snapshot *child, size_t *at, uint64_t start, uint64_t end)
{
	while (*at < child->count && plan_map_end(&child->maps[*at]) <= start)
		(*at)++;
	for (size_t i = *at; i < child->count && start < end; i++) {
		if (child->maps[i].start > start)
			return false;
		start = plan_map_end(&child->maps[i]);
	}
	return start >= end;
}

static bool covers(const struct mapped_snapshot *child, const struct mapped_snapshot *parent)
{
	size_t at = 0;

	for (size_t i = 0; i < parent->count; i++)
		if (!covered(child, &at, parent->maps[i].start, plan_map_end(&parent->maps[i])))
			return false;
	return true;
}

long map_difference(const struct mapped_snapshot *child, const struct mapped_snapshot *parent,
		    struct plan_map **difference)
{
	struct parts parts = { 0 };
	size_t first = 0;

	if (!covers(child, parent))
		return -EXDEV;
	for (size_t i = 0; i < child->count; i++) {
		const struct plan_map *c = &child->maps[i];
		uint64_t at = c->start;

		while (first < parent->count && plan_map_end(&parent->maps[first]) <= c->start)
			first++;
		for (size_t n = first; n < parent->count && parent->maps[n].start < plan_map_end(c); n++) {
			const struct plan_map *p = &parent->maps[n];

			if (!same(child, c, parent, p))
				continue;
			add_part(&parts, c, at, p->start);
			at = plan_map_end(p) > at ? plan_map_end(p) : at;
		}
		add_part(&parts, c, at, plan_map_end(c));
	}
	*difference = parts.items;
	return (long)parts.count;
}

/*
 * A few pages are copied faster than they are mapped, most of them will be written anyway, and a
 * mapping that stays whole costs less.
 */
static void prefer_copies(struct plan_map *difference, size_t count, const struct mapped_snapshot *parent)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		struct plan_map *m = &difference[i];

		while (at < parent->count && plan_map_end(&parent->maps[at]) <= m->start)
			at++;
		if (m->bytes <= COPY_BYTES_MAX && m->source != PLAN_ANONYMOUS && m->prot & PROT_WRITE &&
		    at < parent->count && parent->maps[at].start <= m->start &&
		    plan_map_end(&parent->maps[at]) >= plan_map_end(m) && parent->maps[at].prot == m->prot)
			m->flags |= PLAN_COPY;
	}
}

static int find_difference(struct snapshot *s, const struct snapshot *ancestor)
{
	struct plan_map *of_s = NULL, *of_ancestor = NULL, *difference = NULL;
	struct mapped_snapshot child = { .snapshot = s, .pages = s->pages };
	struct mapped_snapshot base = { .snapshot = ancestor, .pages = ancestor->pages };
	struct pages *p = s->pages;
	long count = plan_read_maps(p->plan_fd, &of_s), base_count, difference_count;

	if (count < 0)
		return (int)count;
	base_count = plan_read_maps(ancestor->pages->plan_fd, &of_ancestor);
	child.maps = of_s;
	child.count = (size_t)count;
	base.maps = of_ancestor;
	base.count = base_count < 0 ? 0 : (size_t)base_count;
	difference_count = base_count < 0 ? base_count : map_difference(&child, &base, &difference);
	if (difference_count >= 0) {
		prefer_copies(difference, (size_t)difference_count, &base);
		p->difference_fd = plan_write_other(p->plan_fd, difference, (size_t)difference_count,
						    &p->difference_bytes);
	}
	free(of_s);
	free(of_ancestor);
	free(difference);
	return difference_count < 0 ? (int)difference_count : p->difference_fd < 0 ? p->difference_fd : 0;
}

int snapshot_find_difference(struct snapshot *s, const struct snapshot *ancestor)
{
	struct pages *p = s->pages;

	if (p->difference_from == ancestor->pages)
		return p->difference_error;
	close_if_open(p->difference_fd);
	pages_put(p->difference_from);
	p->difference_fd = -1;
	p->difference_from = pages_get(ancestor->pages);
	p->difference_error = find_difference(s, ancestor);
	return p->difference_error;
}
