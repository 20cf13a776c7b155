#include "pristine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"

/* A UC that has changed more is not worth a plan of its own. */
#define OTHER_MAPS_MAX 1024

int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p)
{
	long count;

	*p = (struct pristine){ .tender = t, .snapshot = s };
	count = plan_read_maps(s->plan_fd, &p->maps.items);
	if (count < 0)
		return (int)count;
	p->maps.count = (size_t)count;
	return 0;
}

void pristine_close(struct pristine *p)
{
	free(p->maps.items);
	free(p->other.items);
	*p = (struct pristine){ 0 };
}

static bool holds(uint64_t addr)
{
	return !(addr >= UC_SCRATCH_BASE && addr < UC_SCRATCH_END) && !(addr >= UC_VDSO_BASE && addr < UC_VDSO_END) &&
	       addr < UC_GUEST_END;
}

static bool in_libos(uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < UC_LIBOS_END;
}

/* ---- reading ---- */

/* The first map that ends behind addr, or NULL. */
static const struct plan_map *find_map(const struct map_list *list, uint64_t addr)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->items[middle].start + list->items[middle].bytes > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low < list->count ? &list->items[low] : NULL;
}

int pristine_file(const struct pristine *p, const struct plan_map *m, struct file_id *id)
{
	const struct snapshot *s = p->snapshot;

	*id = (struct file_id){ 0 };
	if (m->source < s->image_count) {
		*id = s->images[m->source]->file;
		return s->images[m->source]->fd;
	}
	if (m->source >= UC_IMAGE_MAX && m->source - UC_IMAGE_MAX < s->layer_count) {
		*id = s->layers[m->source - UC_IMAGE_MAX]->file;
		return s->layers[m->source - UC_IMAGE_MAX]->fd;
	}
	return -1;
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

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The map that holds addr, or NULL; *end gets the end of what it says about, if that is lower. */
static const struct plan_map *map_at(const struct map_list *list, uint64_t addr, uint64_t *end)
{
	const struct plan_map *m = find_map(list, addr);

	if (!m)
		return NULL;
	*end = lower(*end, m->start <= addr ? m->start + m->bytes : m->start);
	return m->start <= addr ? m : NULL;
}

int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	uint64_t last = addr + bytes, end;
	char *at = to;
	int error = 0;

	for (; !error && addr < last; at += end - addr, addr = end) {
		const struct plan_map *m;

		end = last;
		m = map_at(&p->other, addr, &end);
		if (!m)
			m = map_at(&p->maps, addr, &end);
		if (m)
			error = read_map(p, m, addr, at, end - addr);
		else if (in_libos(addr) && in_libos(end - 1))
			error = libos_image_read(&p->tender->libos, addr, at, end - addr);
		else
			error = -EFAULT;
	}
	return error;
}

/* ---- comparing ---- */

/* Borders between memory that is treated differently. */
static uint64_t next_border(uint64_t addr)
{
	static const uint64_t borders[] = { UC_LIBOS_BASE, UC_LIBOS_END, UC_SCRATCH_BASE, UC_SCRATCH_END,
					    UC_VDSO_BASE,  UC_VDSO_END,	 UC_GUEST_END };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		if (addr < borders[i])
			return borders[i];
	return UINT64_MAX;
}

/* Both NULL where nothing is mapped. */
struct pair {
	const struct vma *v;
	const struct plan_map *m;
};

static bool same_source(const struct pristine *p, const struct pair *at, uint64_t addr)
{
	struct file_id id;

	if (!at->m)
		return !at->v->file.ino || file_id_equal(&at->v->file, &p->tender->libos_file);
	pristine_file(p, at->m, &id);
	if (!id.ino || !at->v->file.ino)
		return id.ino == at->v->file.ino;
	return file_id_equal(&id, &at->v->file) &&
	       at->v->offset + (addr - at->v->start) == at->m->offset + (addr - at->m->start);
}

/* An embryo's mappings of the library OS are in no plan. */
static bool same_access(const struct pair *at, uint64_t addr)
{
	if (!at->v || at->v->shared)
		return !at->v && !at->m;
	return at->m ? at->v->prot == at->m->prot : in_libos(addr);
}

/* Holes of a layer read as zero, as untouched anonymous memory does. */
static int add_data(int layer, uint64_t offset, uint64_t start, uint64_t end, struct page_runs *runs)
{
	off_t from = (off_t)offset, to = (off_t)(offset + (end - start)), data, hole;

	while (from < to) {
		data = lseek(layer, from, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(layer, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		data = (off_t)PAGE_DOWN(data);
		if (data >= to)
			return 0;
		from = hole < to ? (off_t)PAGE_UP(hole) : to;
		page_runs_add(runs, start + ((uint64_t)data - offset), start + ((uint64_t)from - offset));
	}
	return 0;
}

/* Window of the image that a mapping shows, or -1. */
static int image_of(const struct pristine *p, const struct vma *v)
{
	for (int i = 0; v && v->file.ino && i < p->snapshot->image_count; i++)
		if (file_id_equal(&p->snapshot->images[i]->file, &v->file))
			return i;
	return -1;
}

static int add_other(struct pristine *p, const struct vma *v, uint64_t start, uint64_t end)
{
	struct map_list *l = &p->other;
	struct plan_map *last = l->count ? &l->items[l->count - 1] : NULL;
	int image = image_of(p, v);
	struct plan_map m = { .start = start, .bytes = end - start, .source = PLAN_ANONYMOUS, .prot = v ? v->prot : 0 };

	if (image >= 0) {
		m.source = (uint16_t)image;
		m.offset = v->offset + (start - v->start);
	}
	if (last && last->start + last->bytes == start && last->source == m.source && last->prot == m.prot &&
	    (image < 0 || last->offset + last->bytes == m.offset)) {
		last->bytes += m.bytes;
		return 0;
	}
	if (l->count == OTHER_MAPS_MAX)
		return -E2BIG;
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 16;
		l->items = xrealloc(l->items, l->size * sizeof *l->items);
	}
	l->items[l->count++] = m;
	return 0;
}

/* The UC's mapping is not the snapshot's. What comes of a layer is taken page by page. */
static int map_otherwise(struct pristine *p, const struct pair *at, uint64_t start, uint64_t end, struct page_runs *runs)
{
	if ((at->v && at->v->shared) || in_libos(start))
		return -EOPNOTSUPP;
	if (at->v && at->v->file.ino && image_of(p, at->v) < 0)
		page_runs_add(runs, start, end);
	return add_other(p, at->v, start, end);
}

/* [start, end) is treated alike and, if mapped, of one mapping and one map. */
static int compare_part(struct pristine *p, const struct pair *at, uint64_t start, uint64_t end, struct page_runs *runs)
{
	struct file_id id;
	int fd;

	if (!holds(start) || (!at->v && !at->m))
		return 0;
	if (!same_access(at, start))
		return map_otherwise(p, at, start, end, runs);
	if (same_source(p, at, start))
		return 0;
	if (image_of(p, at->v) >= 0)
		return map_otherwise(p, at, start, end, runs);
	fd = at->m ? pristine_file(p, at->m, &id) : -1;
	if (!at->v->file.ino && fd >= 0 && at->m->source >= UC_IMAGE_MAX)
		return add_data(fd, at->m->offset + (start - at->m->start), start, end, runs);
	page_runs_add(runs, start, end);
	return 0;
}

int pristine_compare(struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict)
{
	uint64_t start = 0, end;
	size_t v = 0;
	int error = 0;

	for (; !error && start < UC_GUEST_END; start = end) {
		struct pair at = { 0 };

		*conflict = start;
		end = next_border(start);
		at.m = map_at(&p->maps, start, &end);
		while (v < vmas->count && vmas->items[v].end <= start)
			v++;
		if (v < vmas->count && vmas->items[v].start <= start)
			at.v = &vmas->items[v];
		if (v < vmas->count)
			end = lower(end, at.v ? at.v->end : vmas->items[v].start);
		error = compare_part(p, &at, start, end, runs);
	}
	return error;
}

void pristine_clip(const struct page_runs *runs, struct page_runs *clipped)
{
	for (size_t i = 0; i < runs->count; i++) {
		uint64_t start = runs->items[i].start, end;

		for (; start < runs->items[i].end; start = end) {
			end = lower(next_border(start), runs->items[i].end);
			if (holds(start))
				page_runs_add(clipped, start, end);
		}
	}
}
