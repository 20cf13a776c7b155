#include "working_set.h"

#include "pagemap.h"

/* A run that wrote more than this has no working set worth the memory of embryos that stand ready. */
#define WRITTEN_PAGES_MAX 1024

static bool is_of_guest(const struct page_run *run)
{
	return run->end <= UC_SCRATCH_BASE || run->start >= UC_VDSO_END;
}

static size_t add(const struct page_runs *runs, bool write, struct plan_touch *touches, size_t count, size_t max)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < runs->count && count < max; i++) {
		const struct page_run *run = &runs->items[i];

		if (!is_of_guest(run))
			continue;
		pages += (run->end - run->start) / UC_PAGE_SIZE;
		if (write && pages > WRITTEN_PAGES_MAX)
			break;
		touches[count++] = (struct plan_touch){
			.start = run->start, .bytes = run->end - run->start, .write = write
		};
	}
	return count;
}

long working_set_learn(const struct uc *uc, struct plan_touch *touches, size_t max)
{
	struct page_runs own = { 0 }, mapped = { 0 };
	size_t count = 0;
	int error = pagemap_own_runs(uc->pid, 0, UC_GUEST_END, &own);

	if (!error)
		error = pagemap_file_runs(uc->pid, 0, UC_GUEST_END, &mapped);
	if (!error) {
		/* Files first: a written page then has its table, and runs of both kinds alternate. */
		count = add(&mapped, false, touches, count, max);
		count = add(&own, true, touches, count, max);
	}
	page_runs_free(&own);
	page_runs_free(&mapped);
	return error ? error : (long)count;
}
