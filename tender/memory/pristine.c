#include "memory/pristine.h"

#include <errno.h>
#include <string.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/number.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/pages.h"
#include "memory/snapshot.h"
#include "memory/packs.h"
#include "plan/page_changes.h"
#include "sandbox/libos_image.h"
#include "tender.h"

/* ---- where what lies ---- */

bool pristine_holds(uint64_t addr)
{
	return !(addr >= UC_SCRATCH_BASE && addr < UC_SCRATCH_END) &&
	       !(addr >= UC_VDSO_BASE && addr < UC_VDSO_END) && addr < UC_GUEST_END;
}

bool pristine_in_libos(uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < UC_LIBOS_END;
}

uint64_t pristine_border(uint64_t addr)
{
	static const uint64_t borders[] = { UC_LIBOS_BASE, UC_LIBOS_END, UC_SCRATCH_BASE, UC_SCRATCH_END,
					    UC_VDSO_BASE,  UC_VDSO_END,  UC_GUEST_END };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		if (addr < borders[i])
			return borders[i];
	return UINT64_MAX;
}

void pristine_clip(const struct page_runs *runs, struct page_runs *clipped)
{
	for (size_t i = 0; i < runs->count; i++) {
		uint64_t start = runs->items[i].start, end;

		for (; start < runs->items[i].end; start = end) {
			end = lower(pristine_border(start), runs->items[i].end);
			if (pristine_holds(start))
				page_runs_add(clipped, start, end);
		}
	}
}

/* ---- opening ---- */

/*
 * The plans that make s of the nearest ancestor that has pages, which is returned: those carried out last
 * first.
 */
static const struct snapshot *collect_words(const struct snapshot *s, const struct snapshot **compact,
					    int *count)
{
	for (*count = 0; !s->pages && *count < LINK_PLANS_MAX; s = s->compact_parent)
		compact[(*count)++] = s;
	return s;
}

static int add_words(struct pristine *p, const struct snapshot *s)
{
	struct plan_view *plan = &p->plans[p->plan_count];
	int error = packed_view(p->tender, &s->packed, plan);

	if (error)
		return error;
	p->plan_count++;
	map_list_overlay(&p->maps, plan->maps, plan->head->map_count);
	change_index_add(&p->changes, plan->maps, plan->head->map_count, plan->changes,
			 plan->head->changes_bytes);
	return 0;
}

int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p)
{
	const struct snapshot *compact[LINK_PLANS_MAX], *root;
	int count, error = 0;
	long map_count;

	*p = (struct pristine){ .tender = t, .images = s->images, .image_count = s->image_count };
	root = collect_words(s, compact, &count);
	if (!root->pages)
		return -ELOOP;
	p->pages = pages_get(root->pages);
	map_count = plan_read_maps(root->pages->plan_fd, &p->maps.items);
	if (map_count < 0)
		error = (int)map_count;
	else
		p->maps.count = p->maps.size = (size_t)map_count;
	while (!error && count)
		error = add_words(p, compact[--count]);
	if (error)
		pristine_close(p);
	return error;
}

void pristine_close(struct pristine *p)
{
	for (int i = 0; i < p->plan_count; i++)
		plan_close(&p->plans[i]);
	map_list_free(&p->maps);
	map_list_free(&p->other);
	change_index_free(&p->changes);
	pages_put(p->pages);
	*p = (struct pristine){ 0 };
}

/* ---- reading ---- */

int pristine_file(const struct pristine *p, const struct plan_map *m, struct file_id *id)
{
	int layer = m->source - UC_IMAGE_MAX;

	*id = (struct file_id){ 0 };
	if (m->source < p->image_count) {
		*id = p->images[m->source]->file;
		return p->images[m->source]->fd;
	}
	if (layer >= 0 && layer < p->pages->layer_count) {
		*id = p->pages->layers[layer]->file;
		return p->pages->layers[layer]->fd;
	}
	return -1;
}

void pristine_vmas(const struct pristine *p, struct vma_list *list)
{
	for (size_t i = 0; i < p->maps.count; i++) {
		const struct plan_map *m = &p->maps.items[i];
		struct vma v = {
			.start = m->start, .end = m->start + m->bytes, .offset = m->offset, .prot = m->prot
		};

		pristine_file(p, m, &v.file);
		vma_list_add(list, &v);
	}
}

static int read_map(const struct pristine *p, const struct plan_map *m, uint64_t addr, void *to, size_t bytes)
{
	struct file_id id;
	int fd = pristine_file(p, m, &id), error;

	memset(to, 0, bytes);
	if (fd < 0)
		return m->source == PLAN_ANONYMOUS ? 0 : -EINVAL;
	error = pread_all(fd, to, bytes, m->offset + (addr - m->start));
	/* The rest of a file's last page reads as zero. */
	return error == -ENODATA ? 0 : error;
}

static void apply_changes(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	for (size_t i = change_index_find(&p->changes, addr); i < p->changes.count; i++) {
		const struct indexed_change *c = &p->changes.items[i];

		if (c->addr >= addr + bytes)
			return;
		page_changes_apply_one(c->record, (uint64_t *)((char *)to + (c->addr - addr)));
	}
}

/* [addr, addr + bytes) is of one map, or of none. */
static int read_snapshot(const struct pristine *p, const struct plan_map *m, uint64_t addr, void *to,
			 size_t bytes)
{
	int error = -EFAULT;

	if (m)
		error = read_map(p, m, addr, to, bytes);
	else if (pristine_in_libos(addr) && pristine_in_libos(addr + bytes - 1))
		error = libos_image_read(&p->tender->libos, addr, to, bytes);
	if (!error)
		apply_changes(p, addr, to, bytes);
	return error;
}

static int read_pages(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	uint64_t last = addr + bytes, end;
	char *at = to;
	int error = 0;

	for (; !error && addr < last; at += end - addr, addr = end) {
		const struct plan_map *other, *m;

		end = last;
		other = map_list_at(&p->other, addr, &end);
		m = map_list_at(&p->maps, addr, &end);
		if (other && !(other->flags & PLAN_PROTECT))
			error = read_map(p, other, addr, at, end - addr);
		else
			error = read_snapshot(p, m, addr, at, end - addr);
	}
	return error;
}

/* Part of one page. */
static int read_part(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	uint64_t page[PAGE_WORDS];
	int error = read_pages(p, PAGE_DOWN(addr), page, sizeof page);

	if (!error)
		memcpy(to, (const char *)page + addr % UC_PAGE_SIZE, bytes);
	return error;
}

int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	uint64_t last = addr + bytes, end;
	char *at = to;
	int error = 0;

	for (; !error && addr < last; at += end - addr, addr = end) {
		bool part = addr % UC_PAGE_SIZE || last - addr < UC_PAGE_SIZE;

		end = part ? lower(PAGE_DOWN(addr) + UC_PAGE_SIZE, last) : PAGE_DOWN(last);
		error = part ? read_part(p, addr, at, end - addr) : read_pages(p, addr, at, end - addr);
	}
	return error;
}
