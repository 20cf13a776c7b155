#include "start/working_set.h"

#include "abi/layout.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"
#include "process/maps.h"
#include "process/pagemap.h"
#include "uc/uc.h"

/* A run that wrote more than this has no working set worth the memory of embryos that stand ready. */
#define WRITTEN_PAGES_MAX 1024

struct set {
	struct plan_touch *touches;
	size_t count, max;
	uint64_t written_pages;
};

static bool may_be_fetched(const struct page_run *run)
{
	return run->end <= UC_SCRATCH_BASE || run->start >= UC_VDSO_END;
}

static void add(struct set *s, const struct page_run *run, bool write)
{
	if (may_be_fetched(run) && s->count < s->max)
		s->touches[s->count++] = (struct plan_touch){ .start = run->start,
							      .bytes = run->end - run->start,
							      .write = write };
}

static void add_written(struct set *s, const struct page_runs *own)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct page_run *run = &own->items[i];

		if (!may_be_fetched(run))
			continue;
		s->written_pages += (run->end - run->start) / UC_PAGE_SIZE;
		if (s->written_pages > WRITTEN_PAGES_MAX)
			break;
		add(s, run, true);
	}
}

struct used {
	struct vma_list vmas;
	struct page_runs own;     /* private pages */
	struct page_runs written; /* of these, the ones that it did not have from a template */
	struct page_runs kept;    /* the others */
	struct page_runs mapped;  /* of files */
	struct page_runs read;    /* these and the ones kept */
};

static int look(pid_t pid, struct used *u)
{
	int error = maps_read(pid, &u->vmas);

	if (!error)
		error = pagemap_own_runs(pid, &u->vmas, &u->own);
	if (!error)
		error = pagemap_tell_shared(pid, &u->own, &u->written, &u->kept);
	if (!error)
		error = pagemap_file_runs(pid, &u->vmas, &u->mapped);
	if (!error)
		page_runs_join(&u->mapped, &u->kept, &u->read);
	return error;
}

static void free_used(struct used *u)
{
	vma_list_free(&u->vmas);
	page_runs_free(&u->own);
	page_runs_free(&u->written);
	page_runs_free(&u->kept);
	page_runs_free(&u->mapped);
	page_runs_free(&u->read);
}

long working_set_learn(const struct uc *uc, struct plan_touch *touches, size_t max)
{
	struct set set = { .touches = touches, .max = max };
	struct used used = { 0 };
	int error = look(uc->pid, &used);

	/* What is read first: a written page then has its table. */
	for (size_t i = 0; !error && i < used.read.count; i++)
		add(&set, &used.read.items[i], false);
	if (!error)
		add_written(&set, &used.written);
	free_used(&used);
	return error ? error : (long)set.count;
}
