#include "memory/stored_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "base/fnv1a.h"
#include "base/sealed.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "plan/plan_check.h"
#include "tender.h"

/* Pages of a layer that are looked at to tell it from others. */
#define SAMPLES 8u

/* ---- to a file ---- */

/*
 * The nearest of the ancestors that is not compact has all layers that s can have inherited; NULL without
 * parent.
 */
static const struct pages *inherited_pages(struct snapshot *parent)
{
	return parent ? snapshot_root(parent)->pages : NULL;
}

/*
 * Tells sets of layers apart: which ones are inherited depends on the form that the ancestors have at the
 * time. Sizes and samples do; that the bytes are right is for checksums. 0 for none, and when a layer cannot
 * be read.
 */
static uint64_t fingerprint(const struct pages *inherited)
{
	uint64_t hash = FNV1A_START;

	for (int i = 0; inherited && i < inherited->layer_count; i++) {
		const struct layer *layer = inherited->layers[i];

		hash = fnv1a(hash, &layer->bytes, sizeof layer->bytes);
		for (uint64_t n = 0; n < SAMPLES; n++) {
			char page[UC_PAGE_SIZE];

			if (pread_all(layer->fd, page, sizeof page, PAGE_DOWN(layer->bytes / SAMPLES * n)))
				return 0;
			hash = fnv1a(hash, page, sizeof page);
		}
	}
	return inherited && inherited->layer_count ? hash : 0;
}

/* Place of a layer among the inherited ones, or -1. */
static int place_of(const struct layer *layer, const struct pages *inherited)
{
	for (int i = 0; inherited && i < inherited->layer_count; i++)
		if (inherited->layers[i] == layer)
			return i;
	return -1;
}

/* Numbers of the file for those of a snapshot; *own gets the layer that is not inherited. */
static int number_layers(const struct pages *p, const struct pages *from, uint16_t *numbers,
			 struct layer **own)
{
	int inherited = from ? from->layer_count : 0;

	for (int i = 0; i < p->layer_count; i++) {
		int place = place_of(p->layers[i], from);

		if (place < 0 && *own)
			return -EOPNOTSUPP;
		if (place < 0)
			*own = p->layers[i];
		numbers[i] = (uint16_t)(UC_IMAGE_MAX + (place < 0 ? inherited : place));
	}
	return 0;
}

static void renumber(char *text, const uint16_t *numbers)
{
	const struct plan *p = (const struct plan *)text;
	struct plan_map *m = (struct plan_map *)(text + sizeof *p);

	for (uint32_t i = 0; i < p->map_count; i++)
		if (m[i].source != PLAN_ANONYMOUS && m[i].source >= UC_IMAGE_MAX)
			m[i].source = numbers[m[i].source - UC_IMAGE_MAX];
}

long stored_plan_make(struct tender *t, struct snapshot *s, char **text, struct layer **own)
{
	struct snapshot *parent = s->parent ? snapshot_find(t, s->parent) : NULL;
	uint16_t numbers[LAYERS_MAX];
	uint64_t bytes;
	int plan = snapshot_plan(s, &bytes), error = 0;

	if (s->parent && !parent)
		return -ESTALE;
	*own = NULL;
	if (!snapshot_is_compact(s))
		error = number_layers(s->pages, inherited_pages(parent), numbers, own);
	if (error)
		return error;
	*text = xcalloc(1, bytes);
	error = pread_all(plan, *text, bytes, 0);
	if (error)
		return error;
	if (!snapshot_is_compact(s)) {
		renumber(*text, numbers);
		((struct plan *)*text)->inherited = fingerprint(inherited_pages(parent));
	}
	return (long)bytes;
}

/* ---- from a file ---- */

/* Layers as the file numbers them: LAYERS_MAX of the parent and one more at most. */
struct numbered_layers {
	struct layer *items[LAYERS_MAX + 1];
	uint64_t bytes[LAYERS_MAX + 1];
	int count;
};

static void add_layer(struct numbered_layers *layers, struct layer *layer)
{
	layers->items[layers->count] = layer;
	layers->bytes[layers->count++] = layer->bytes;
}

/* Only those that its maps use travel with a deploy. */
static const char *take_used(struct pages *pages, char *text, const struct numbered_layers *layers)
{
	const struct plan *p = (const struct plan *)text;
	const struct plan_map *m = (const struct plan_map *)(p + 1);
	uint16_t numbers[LAYERS_MAX + 1] = { 0 };

	for (uint32_t i = 0; i < p->map_count; i++) {
		uint16_t number = (uint16_t)(m[i].source - UC_IMAGE_MAX);

		if (m[i].source == PLAN_ANONYMOUS || m[i].source < UC_IMAGE_MAX || numbers[number])
			continue;
		if (pages->layer_count == LAYERS_MAX)
			return "it uses too many layers";
		numbers[number] = (uint16_t)(UC_IMAGE_MAX + pages->layer_count);
		pages_add_layer(pages, layer_get(layers->items[number]));
	}
	renumber(text, numbers);
	return NULL;
}

static struct plan_rules rules_of(const struct tender *t, const struct snapshot *s,
				  const struct numbered_layers *layers)
{
	struct plan_rules rules = {
		.image_count = s->image_count,
		.layer_bytes = layers->bytes,
		.layer_count = layers->count,
		.frame = {
			.xstate_bytes = t->xstate_bytes,
			.xstate_mask = t->xstate_mask,
			.altstack_base = t->libos.header.altstack_base,
			.altstack_bytes = t->libos.header.altstack_bytes,
		},
	};

	for (int i = 0; i < s->image_count; i++)
		rules.image_bytes[i] = s->images[i]->bytes;
	return rules;
}

/* A descriptor or -errno. */
static int seal(const char *text, uint64_t bytes)
{
	int fd = sealed_create("seuss-plan"), error;

	if (fd < 0)
		return fd;
	error = pwrite_all(fd, text, bytes, 0);
	if (error) {
		close(fd);
		return error;
	}
	return sealed_finish(fd);
}

static const char *adopt_compact(struct tender *t, struct snapshot *s, const char *text, uint64_t bytes,
				 int *error)
{
	struct packed_plan packed;

	*error = packed_new(t, text, bytes, &packed);
	if (*error)
		return "its plan cannot be kept";
	*error = snapshot_make_compact(t, s, &packed);
	return *error ? "it cannot be made of its parent" : NULL;
}

const char *stored_plan_adopt(struct tender *t, struct snapshot *s, char *text, uint64_t bytes,
			      struct layer *own, int *error)
{
	struct snapshot *parent = s->parent ? snapshot_find(t, s->parent) : NULL;
	const struct pages *inherited = inherited_pages(parent);
	struct numbered_layers layers = { 0 };
	struct plan_rules rules;
	const char *fault;
	bool compact;
	int fd;

	for (int i = 0; inherited && i < inherited->layer_count; i++)
		add_layer(&layers, inherited->layers[i]);
	if (own)
		add_layer(&layers, own);
	rules = rules_of(t, s, &layers);
	*error = -EBADMSG;
	fault = plan_fault(text, bytes, &rules);
	if (fault)
		return fault;
	compact = ((const struct plan *)text)->flags & PLAN_COMPACT;
	if (compact && (own || !parent))
		return "it has a layer, or no parent, and yet is compact";
	if (!compact) {
		if (((const struct plan *)text)->inherited != fingerprint(inherited)) {
			*error = -ESTALE;
			return "its ancestors are kept in another form";
		}
		((struct plan *)text)->inherited = 0;
		s->pages = pages_new(-1, bytes);
		fault = take_used(s->pages, text, &layers);
	}
	if (fault)
		return fault;
	if (compact)
		return adopt_compact(t, s, text, bytes, error);
	fd = seal(text, bytes);
	if (fd < 0) {
		*error = fd;
		return "its plan cannot be kept";
	}
	s->pages->plan_fd = fd;
	return NULL;
}
