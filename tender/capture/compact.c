#include "capture/compact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "loop/control.h"
#include "loop/operation.h"
#include "memory/layer.h"
#include "memory/map_compare.h"
#include "memory/pages.h"
#include "memory/pristine.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "peers/peers.h"
#include "plan/map_list.h"
#include "plan/page_changes.h"
#include "plan/page_runs.h"
#include "plan/plan.h"
#include "plan/vma_list.h"

/* More most likely has more changed pages than are worth it. */
#define LOOK_PAGES_MAX 16384
/*
 * Each page that words change is copied by each deploy, whether the UC touches it or not: beyond this,
 * mapping the pages is faster.
 */
#define CHANGED_PAGES_MAX 1024
#define CHUNK_PAGES 64
/* What the tenders, and the kernel for the pages, keep of a snapshot besides its plan's bytes. */
#define FIXED_BYTES 1024u

struct compaction {
	uint32_t seq;
	struct snapshot *snapshot, *parent; /* counted */
	struct pristine now, base;
	struct vma_list vmas; /* of the snapshot */
	struct page_runs look;
	struct page_changes changes;
	size_t limit; /* of the bytes of changes */
	uint64_t *now_words, *base_words; /* a chunk of each */
};

/* ---- what may differ ---- */

/* The parent's windows come first, in the same order. */
static bool has_images_of(const struct snapshot *s, const struct snapshot *parent)
{
	if (s->image_count < parent->image_count)
		return false;
	for (int i = 0; i < parent->image_count; i++)
		if (s->images[i] != parent->images[i])
			return false;
	return true;
}

static int open_memory(struct tender *t, struct compaction *c)
{
	int error = pristine_open(t, c->parent, &c->base);

	if (error)
		return error;
	/* What is new may be mapped of images that the parent has not. */
	c->base.images = c->snapshot->images;
	c->base.image_count = c->snapshot->image_count;
	error = pristine_open(t, c->snapshot, &c->now);
	if (!error)
		pristine_vmas(&c->now, &c->vmas);
	return error;
}

static int find_pages(struct compaction *c)
{
	uint64_t conflict;
	int error = map_compare(&c->base, &c->vmas, &c->look, &conflict);

	return error ? error : page_runs_pages(&c->look) > LOOK_PAGES_MAX ? -E2BIG : 0;
}

/* ---- what differs ---- */

/* access of struct plan_change. What no map of the snapshot holds is the library OS's data. */
static uint16_t access_of(const struct compaction *c, uint64_t addr)
{
	uint64_t end = UINT64_MAX;
	const struct plan_map *m = map_list_at(&c->now.maps, addr, &end);

	return !m || m->prot & PROT_WRITE ? 0 : (uint16_t)(PLAN_CHANGE_PROTECTED | m->prot);
}

static int compare(struct compaction *c, uint64_t addr, uint64_t end)
{
	int error = pristine_read(&c->now, addr, c->now_words, end - addr);
	size_t w = 0;

	if (!error)
		error = pristine_read(&c->base, addr, c->base_words, end - addr);
	for (; !error && addr < end; addr += UC_PAGE_SIZE, w += PAGE_WORDS)
		page_changes_add(&c->changes, addr, access_of(c, addr), c->base_words + w, c->now_words + w);
	if (!error && (c->changes.bytes > c->limit || c->changes.pages > CHANGED_PAGES_MAX))
		error = -E2BIG;
	return error ? error : operation_pause_if_due();
}

static int compare_all(struct compaction *c)
{
	int error = 0;

	c->now_words = operation_buffer(CHUNK_PAGES * UC_PAGE_SIZE);
	c->base_words = operation_buffer(CHUNK_PAGES * UC_PAGE_SIZE);
	for (size_t i = 0; !error && i < c->look.count; i++) {
		uint64_t at = c->look.items[i].start, end = c->look.items[i].end, next;

		for (; !error && at < end; at = next) {
			next = end - at > CHUNK_PAGES * UC_PAGE_SIZE ? at + CHUNK_PAGES * UC_PAGE_SIZE : end;
			error = compare(c, at, next);
		}
	}
	return error;
}

/* ---- its place ---- */

/* Bytes of the layers that the snapshot has and its parent's pages have not. */
static uint64_t layer_bytes(const struct compaction *c)
{
	const struct pages *own = c->snapshot->pages, *inherited = c->base.pages;
	uint64_t bytes = 0;

	for (int i = 0; i < own->layer_count; i++) {
		bool is_own = true;
		struct stat st;

		for (int j = 0; j < inherited->layer_count; j++)
			is_own = is_own && own->layers[i] != inherited->layers[j];
		if (is_own && fstat(own->layers[i]->fd, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

static int check(struct tender *t, struct compaction *c)
{
	struct snapshot *s = c->snapshot;

	if (!s)
		return -ENOENT;
	if (snapshot_is_compact(s))
		return -EALREADY;
	c->parent = s->parent ? snapshot_find(t, s->parent) : NULL;
	if (!c->parent || !has_images_of(s, c->parent))
		c->parent = NULL;
	else
		snapshot_get(c->parent);
	return c->parent ? 0 : -EOPNOTSUPP;
}

static int pack_changes(struct tender *t, struct compaction *c, struct packed_plan *packed)
{
	struct plan_difference difference;
	uint64_t bytes;
	int fd, error = check(t, c);

	if (!error)
		error = open_memory(t, c);
	if (error)
		return error;
	/* It has to save a third. */
	c->limit = layer_bytes(c) / 3 * 2;
	error = find_pages(c);
	if (!error)
		error = compare_all(c);
	if (error)
		return error;
	difference = (struct plan_difference){
		.maps = c->base.other.items,
		.map_count = c->base.other.count,
		.changes = c->changes.data,
		.change_bytes = c->changes.bytes,
	};
	/* Others had their turns meanwhile. From here on there is no pause. */
	if (snapshot_is_compact(c->snapshot))
		return -EALREADY;
	fd = plan_write_compact(c->snapshot->pages->plan_fd, &difference, &bytes);
	if (fd < 0)
		return fd;
	error = packed_new_from(t, fd, bytes, packed);
	close(fd);
	return error;
}

uint32_t compact_changed_pages(const struct tender *t, const struct snapshot *s)
{
	struct plan_view plan = { 0 };
	uint32_t pages = 0;

	if (packed_view(t, &s->packed, &plan))
		return 0;
	for (const char *at = plan.changes, *end = at + plan.head->changes_bytes; at < end; pages++) {
		struct plan_change change;

		at = page_changes_next(at, &change);
	}
	plan_close(&plan);
	return pages;
}

static void carry_out(struct tender *t, void *job)
{
	struct compaction *c = job;
	struct packed_plan packed = { 0 };
	int error = pack_changes(t, c, &packed);

	if (!error)
		error = snapshot_make_compact(t, c->snapshot, &packed);
	if (error) {
		control_error(t, 0, c->seq, -error, "compaction of a snapshot: %s", strerror(-error));
	} else {
		struct control_compacted reply = { .bytes = PAGE_UP(packed.bytes) + FIXED_BYTES,
						   .pages = c->changes.pages };

		peers_compact(t, c->snapshot, c->seq, &reply, sizeof reply);
	}
	pristine_close(&c->now);
	pristine_close(&c->base);
	vma_list_free(&c->vmas);
	page_runs_free(&c->look);
	page_changes_free(&c->changes);
	snapshot_put(c->snapshot);
	snapshot_put(c->parent);
	free(c);
}

void compact_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct compaction *c = xcalloc(1, sizeof *c);
	uint64_t number = 0;

	if (frame->len == sizeof number)
		memcpy(&number, payload, sizeof number);
	c->seq = frame->seq;
	c->snapshot = snapshot_find(t, number);
	if (c->snapshot)
		snapshot_get(c->snapshot);
	operation_start(t, NULL, carry_out, c);
}
