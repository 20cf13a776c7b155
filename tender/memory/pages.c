#include "memory/pages.h"

#include <stdlib.h>

#include "base/base.h"
#include "memory/layer.h"

struct pages *pages_new(int plan_fd, uint64_t plan_bytes)
{
	struct pages *p = xcalloc(1, sizeof *p);

	p->refs = 1;
	p->plan_fd = plan_fd;
	p->plan_bytes = plan_bytes;
	p->difference_fd = -1;
	return p;
}

struct pages *pages_get(struct pages *p)
{
	p->refs++;
	return p;
}

void pages_put(struct pages *p)
{
	if (!p || --p->refs)
		return;
	for (int i = 0; i < p->layer_count; i++)
		layer_put(p->layers[i]);
	free(p->layers);
	close_if_open(p->plan_fd);
	close_if_open(p->difference_fd);
	pages_put(p->difference_from);
	free(p);
}

void pages_add_layer(struct pages *p, struct layer *layer)
{
	p->layers = xrealloc(p->layers, (size_t)(p->layer_count + 1) * sizeof *p->layers);
	p->layers[p->layer_count++] = layer;
}
