#include "pristine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"

int pristine_open(const struct tender *t, const struct snapshot *s, struct pristine *p)
{
	long count;

	*p = (struct pristine){ .tender = t, .snapshot = s };
	count = plan_read_maps(s->plan_fd, &p->maps);
	if (count < 0)
		return (int)count;
	p->count = (size_t)count;
	return 0;
}

void pristine_close(struct pristine *p)
{
	free(p->maps);
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

/* The first map that ends behind addr; its index, or count. */
static size_t find_map(const struct pristine *p, uint64_t addr)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->maps[middle].start + p->maps[middle].bytes > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The file behind a map, or -1; *id gets its identity, all zero for anonymous memory. */
static int file_of(const struct pristine *p, const struct plan_map *m, struct file_id *id)
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
	int fd = file_of(p, m, &id), error;

	memset(to, 0, bytes);
	if (fd < 0)
		return m->source == PLAN_ANONYMOUS ? 0 : -EINVAL;
	error = pread_all(fd, to, bytes, m->offset + (addr - m->start));
	/* The rest of a file's last page reads as zero. */
	return error == -ENODATA ? 0 : error;
}

int pristine_read(const struct pristine *p, uint64_t addr, void *to, size_t bytes)
{
	size_t next = find_map(p, addr);
	int error = 0;

	while (!error && bytes) {
		const struct plan_map *m = next < p->count ? &p->maps[next] : NULL;
		bool mapped = m && m->start <= addr;
		uint64_t end = mapped ? m->start + m->bytes : m ? m->start : UC_GUEST_END;
		size_t n = end - addr < bytes ? end - addr : bytes;

		if (mapped)
			error = read_map(p, m, addr, to, n);
		else if (in_libos(addr) && in_libos(addr + n - 1))
			error = libos_image_read(&p->tender->libos, addr, to, n);
		else
			error = -EFAULT;
		next += mapped;
		addr += n;
		to = (char *)to + n;
		bytes -= n;
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
	file_of(p, at->m, &id);
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

/* [start, end) is treated alike and, if mapped, of one mapping and one map. */
static int compare_part(const struct pristine *p, const struct pair *at, uint64_t start, uint64_t end,
			struct page_runs *runs)
{
	struct file_id id;
	int fd;

	if (!holds(start) || (!at->v && !at->m))
		return 0;
	if (!same_access(at, start))
		return -EOPNOTSUPP;
	if (same_source(p, at, start))
		return 0;
	fd = at->m ? file_of(p, at->m, &id) : -1;
	if (!at->v->file.ino && fd >= 0 && at->m->source >= UC_IMAGE_MAX)
		return add_data(fd, at->m->offset + (start - at->m->start), start, end, runs);
	page_runs_add(runs, start, end);
	return 0;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int pristine_compare(const struct pristine *p, const struct vma_list *vmas, struct page_runs *runs, uint64_t *conflict)
{
	size_t v = 0, m = 0;
	uint64_t start = 0, end;
	int error = 0;

	for (; !error && start < UC_GUEST_END; start = end) {
		struct pair at = { 0 };

		end = next_border(start);
		while (v < vmas->count && vmas->items[v].end <= start)
			v++;
		while (m < p->count && p->maps[m].start + p->maps[m].bytes <= start)
			m++;
		if (v < vmas->count && vmas->items[v].start <= start)
			at.v = &vmas->items[v];
		if (m < p->count && p->maps[m].start <= start)
			at.m = &p->maps[m];
		if (v < vmas->count)
			end = lower(end, at.v ? at.v->end : vmas->items[v].start);
		if (m < p->count)
			end = lower(end, at.m ? at.m->start + at.m->bytes : p->maps[m].start);
		error = compare_part(p, &at, start, end, runs);
		*conflict = start;
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
