#include "memory/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/sealed.h"
#include "base/table.h"
#include "memory/hooks.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/packs.h"
#include "sandbox/zygote.h"
#include "tender.h"

/* Besides, a deploy has the plan of a root and the one of a demoted UC. */
#define DEPTH_MAX (LINK_PLANS_MAX - 2)

void snapshots_init(struct tender *t)
{
	table_init(&t->snapshots);
}

struct snapshot *snapshot_find(struct tender *t, uint64_t number)
{
	list_for_each(n, table_chain(&t->snapshots, number)) {
		struct snapshot *s = list_entry(n, struct snapshot, node);

		if (s->number == number)
			return s;
	}
	return NULL;
}

struct snapshot *snapshot_new(struct tender *t, uint64_t number, uint64_t parent)
{
	struct snapshot *s = xcalloc(1, sizeof *s);

	list_init(&s->node);
	s->tender = t;
	s->number = number;
	s->parent = parent;
	s->refs = 1;
	s->packed_file.fd = -1;
	return s;
}

struct snapshot *snapshot_get(struct snapshot *s)
{
	s->refs++;
	return s;
}

void snapshot_put(struct snapshot *s)
{
	if (!s || --s->refs)
		return;
	list_del(&s->node);
	for (int i = 0; i < s->image_count; i++)
		image_put(s->images[i]);
	pages_put(s->pages);
	if (s->compact_parent)
		packed_forget(s->tender, &s->packed, &s->packed_file);
	snapshot_put(s->compact_parent);
	free(s);
}

int snapshot_publish(struct tender *t, struct snapshot *s)
{
	if (snapshot_find(t, s->number))
		return -EEXIST;
	list_add_tail(&s->node, table_chain(&t->snapshots, s->number));
	return 0;
}

int snapshot_drop(struct tender *t, uint64_t number)
{
	struct snapshot *s = snapshot_find(t, number);

	if (!s)
		return -ENOENT;
	list_del(&s->node);
	snapshot_put(s);
	return 0;
}

bool snapshot_is_known(const struct snapshot *s)
{
	return !list_empty(&s->node);
}

bool snapshot_is_compact(const struct snapshot *s)
{
	return s->compact_parent;
}

int snapshot_make_compact(struct tender *t, struct snapshot *s, const struct packed_plan *packed)
{
	struct snapshot *parent = snapshot_find(t, s->parent);
	int error = parent ? 0 : -ENOENT;

	if (parent && snapshot_depth(parent) > DEPTH_MAX)
		error = -E2BIG;
	if (error || snapshot_is_compact(s)) {
		packed_release(t, packed);
		return error;
	}
	s->compact_parent = snapshot_get(parent);
	s->packed = *packed;
	t->memory_hooks->snapshot_changed(t, s);
	pages_put(s->pages);
	s->pages = NULL;
	return 0;
}

static int file_of_packed(struct snapshot *s)
{
	return packed_file(s->tender, &s->packed, &s->packed_file);
}

int snapshot_plan(struct snapshot *s, uint64_t *bytes)
{
	*bytes = snapshot_is_compact(s) ? s->packed.bytes : s->pages->plan_bytes;
	return snapshot_is_compact(s) ? file_of_packed(s) : s->pages->plan_fd;
}

int snapshot_depth(const struct snapshot *s)
{
	int depth = 1;

	for (; s->compact_parent; s = s->compact_parent)
		depth++;
	return depth;
}

struct snapshot *snapshot_root(struct snapshot *s)
{
	while (s->compact_parent)
		s = s->compact_parent;
	return s;
}

void snapshot_sources(struct snapshot *s, int fds[DEPLOY_FDS_MAX], struct template_sources *sources)
{
	struct snapshot *lineage[LINK_PLANS_MAX];
	const struct pages *pages;
	int count = 0;

	*sources = (struct template_sources){ .fds = fds, .image_count = s->image_count };
	for (int i = 0; i < s->image_count; i++)
		fds[count++] = s->images[i]->fd;
	for (; s->compact_parent; s = s->compact_parent)
		lineage[sources->plan_count++] = s;
	pages = s->pages;
	fds[count++] = pages->plan_fd;
	for (int i = sources->plan_count++; i--;)
		fds[count++] = file_of_packed(lineage[i]);
	for (sources->layer_count = 0; sources->layer_count < pages->layer_count; sources->layer_count++)
		fds[count++] = pages->layers[sources->layer_count]->fd;
}

int snapshots_list_packed(struct tender *t, int owner)
{
	int fd = sealed_create("seuss-holds"), error = fd < 0 ? fd : 0;
	uint64_t at = 0;

	for (size_t i = 0; !error && i < TABLE_CHAINS; i++) {
		list_for_each(n, &t->snapshots.chains[i]) {
			const struct snapshot *s = list_entry(n, struct snapshot, node);
			uint64_t held[2] = { s->packed.offset, s->packed.bytes };

			if (!s->compact_parent || s->packed.owner != owner)
				continue;
			error = pwrite_all(fd, held, sizeof held, at);
			at += sizeof held;
		}
	}
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}
