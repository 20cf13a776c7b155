#include "working_set.h"

#include "maps.h"
#include "pagemap.h"

/* A run that wrote more than this has no working set worth the memory of embryos that stand ready. */
#define WRITTEN_PAGES_MAX 1024

struct set {
	struct plan_touch *touches;
	size_t count, max;
	uint64_t written_pages;
};

/* The library OS and the vDSO belong to every embryo, and a reset counts on them as they came. */
static bool is_of_embryo(uint64_t addr)
{
	return addr >= UC_LIBOS_BASE && addr < UC_VDSO_END;
}

static bool is_of_guest(const struct page_run *run)
{
	return run->end <= UC_SCRATCH_BASE || run->start >= UC_VDSO_END;
}

static void add(struct set *s, const struct page_run *run, bool write, uint32_t anchor)
{
	if (s->count < s->max)
		s->touches[s->count++] = (struct plan_touch){
			.start = run->start, .bytes = run->end - run->start, .write = write, .anchor = anchor
		};
}

/* The next run of pages in v from *at on, cut to v; false if there is none. */
static bool next_in(const struct page_runs *runs, const struct vma *v, size_t *at, uint64_t from, struct page_run *run)
{
	while (*at < runs->count && runs->items[*at].end <= from)
		(*at)++;
	if (from >= v->end || *at == runs->count || runs->items[*at].start >= v->end)
		return false;
	*run = runs->items[*at];
	run->start = run->start > from ? run->start : from;
	run->end = run->end < v->end ? run->end : v->end;
	return true;
}

static bool starts_in_small_page(const struct page_run *run)
{
	return run->start % WORKING_SET_HUGE_BYTES || run->end - run->start < WORKING_SET_HUGE_BYTES;
}

static void add_read(struct set *s, const struct vma *v, const struct page_runs *mapped, size_t *at, bool anchor)
{
	struct page_run run;

	for (uint64_t from = v->start; next_in(mapped, v, at, from, &run); from = run.end) {
		bool here = anchor && starts_in_small_page(&run);

		if (is_of_guest(&run))
			add(s, &run, false, here ? v->prot : 0);
		anchor = anchor && !here;
	}
}

static void add_written(struct set *s, const struct page_runs *own)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct page_run *run = &own->items[i];

		if (!is_of_guest(run))
			continue;
		s->written_pages += (run->end - run->start) / UC_PAGE_SIZE;
		if (s->written_pages > WRITTEN_PAGES_MAX)
			break;
		add(s, run, true, 0);
	}
}

struct used {
	struct vma_list maps;
	struct page_runs own;    /* private pages */
	struct page_runs written; /* of these, the ones that it did not have from a template */
	struct page_runs kept;   /* the others */
	struct page_runs mapped; /* of files */
	struct page_runs read;   /* these and the ones kept */
};

static int look(pid_t pid, struct used *u)
{
	int error = maps_read(pid, &u->maps);

	if (!error)
		error = pagemap_own_runs(pid, 0, UC_GUEST_END, &u->own);
	if (!error)
		error = pagemap_tell_shared(pid, &u->own, &u->written, &u->kept);
	if (!error)
		error = pagemap_file_runs(pid, 0, UC_GUEST_END, &u->mapped);
	if (!error)
		page_runs_join(&u->mapped, &u->kept, &u->read);
	return error;
}

static void free_used(struct used *u)
{
	vma_list_free(&u->maps);
	page_runs_free(&u->own);
	page_runs_free(&u->written);
	page_runs_free(&u->kept);
	page_runs_free(&u->mapped);
	page_runs_free(&u->read);
}

/* What is read first: a written page then has its table. */
static void add_all(struct set *s, const struct used *u)
{
	size_t at = 0;

	for (size_t i = 0; i < u->maps.count; i++) {
		const struct vma *v = &u->maps.items[i];
		size_t own = page_runs_find(&u->own, v->start);
		bool has_own = own < u->own.count && u->own.items[own].start < v->end;

		if (v->file.ino && !v->shared)
			add_read(s, v, &u->read, &at, !has_own && !is_of_embryo(v->start));
	}
	add_written(s, &u->written);
}

long working_set_learn(const struct uc *uc, struct plan_touch *touches, size_t max)
{
	struct set set = { .touches = touches, .max = max };
	struct used used = { 0 };
	int error = look(uc->pid, &used);

	if (!error)
		add_all(&set, &used);
	free_used(&used);
	return error ? error : (long)set.count;
}
