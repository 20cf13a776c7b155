#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "image.h"
#include "layer.h"

struct snapshot *snapshot_find(struct tender *t, uint64_t number)
{
	list_for_each(n, &t->snapshots) {
		struct snapshot *s = list_entry(n, struct snapshot, node);

		if (s->number == number)
			return s;
	}
	return NULL;
}

struct snapshot *snapshot_new(uint64_t number, uint64_t parent)
{
	struct snapshot *s = xcalloc(1, sizeof *s);

	list_init(&s->node);
	s->number = number;
	s->parent = parent;
	s->refs = 1;
	s->plan_fd = -1;
	s->derived_fd = -1;
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
	for (int i = 0; i < s->layer_count; i++)
		layer_put(s->layers[i]);
	close_if_open(s->plan_fd);
	close_if_open(s->derived_fd);
	free(s);
}

int snapshot_publish(struct tender *t, struct snapshot *s)
{
	if (snapshot_find(t, s->number))
		return -EEXIST;
	list_add_tail(&s->node, &t->snapshots);
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

int snapshot_fds(const struct snapshot *s, int fds[DEPLOY_FDS_MAX])
{
	int count = 0;

	for (int i = 0; i < s->image_count; i++)
		fds[count++] = s->images[i]->fd;
	fds[count++] = s->plan_fd;
	for (int i = 0; i < s->layer_count; i++)
		fds[count++] = s->layers[i]->fd;
	return count;
}
