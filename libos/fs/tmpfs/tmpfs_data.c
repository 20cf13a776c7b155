/* The bytes of a tmpfs file: sorted runs of pages with holes between them. */
#include "tmpfs.h"

#define FIRST_RUNS 2u
#define GROWTH_PAGES_MAX 1024u
#define MAP_SLACK_PAGES 256u

/* Index of the first run that ends behind page. */
static u32 run_index(const struct tmpfs_data *d, u64 page)
{
	u32 low = 0, high = d->count;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (d->runs[mid].page + d->runs[mid].pages <= page)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

u8 *data_at(const struct tmpfs_data *d, u64 page, u64 *pages)
{
	u32 i = run_index(d, page);
	const struct tmpfs_run *r = &d->runs[i];

	if (i == d->count) {
		*pages = FILE_BYTES_MAX / PAGE_SIZE;
		return NULL;
	}
	if (r->page > page) {
		*pages = r->page - page;
		return NULL;
	}
	*pages = r->page + r->pages - page;
	return r->mem + (page - r->page) * PAGE_SIZE;
}

static int room_for_run(struct tmpfs_data *d)
{
	u32 capacity = d->capacity ? d->capacity * 2 : FIRST_RUNS;
	struct tmpfs_run *runs;

	if (d->count < d->capacity)
		return 0;
	runs = krealloc(d->runs, capacity * sizeof *runs);
	if (!runs)
		return -ENOMEM;
	d->runs = runs;
	d->capacity = capacity;
	return 0;
}

/* Puts fresh memory at a place where there is a hole of that many pages. */
static int run_add(struct tmpfs_data *d, u64 page, u64 pages, u8 **mem)
{
	u32 i = run_index(d, page);

	if (room_for_run(d))
		return -ENOMEM;
	if (!tmpfs_charge(pages))
		return -ENOSPC;
	*mem = kpages_alloc(pages * PAGE_SIZE);
	if (!*mem) {
		tmpfs_uncharge(pages);
		return -ENOSPC;
	}
	memmove(&d->runs[i + 1], &d->runs[i], (d->count - i) * sizeof d->runs[0]);
	d->runs[i] = (struct tmpfs_run){ .page = page, .pages = pages, .mem = *mem };
	d->count++;
	d->pages += pages;
	return 0;
}

static void run_remove(struct tmpfs_data *d, u32 i)
{
	struct tmpfs_run r = d->runs[i];

	kpages_free(r.mem, r.pages * PAGE_SIZE);
	tmpfs_uncharge(r.pages);
	d->pages -= r.pages;
	d->count--;
	memmove(&d->runs[i], &d->runs[i + 1], (d->count - i) * sizeof d->runs[0]);
}

int data_reserve(struct tmpfs_data *d, u64 page, u64 want, u8 **mem, u64 *pages)
{
	u32 i = run_index(d, page);
	u64 gap, grow;

	*mem = data_at(d, page, &gap);
	*pages = gap;
	if (*mem)
		return 0;
	want = MIN(want, gap);
	grow = want;
	/* A file that grows at its end gets ever longer runs, so that few serve it. */
	if (i && d->runs[i - 1].page + d->runs[i - 1].pages == page)
		grow = MIN(MAX(want, MIN(d->pages, GROWTH_PAGES_MAX)), gap);
	for (;;) {
		int err = run_add(d, page, grow, mem);

		*pages = grow;
		if (err != -ENOSPC || grow == 1)
			return err;
		grow = grow > want ? want : (grow + 1) / 2;
	}
}

static bool range_is_free(const struct tmpfs_data *d, u64 page, u64 end)
{
	u32 i = run_index(d, page);

	return i == d->count || d->runs[i].page >= end;
}

int data_map(struct tmpfs_data *d, u64 page, u64 pages, u8 **mem)
{
	u32 first = run_index(d, page), last = first;
	struct tmpfs_run *r = &d->runs[first];
	u64 start = page, end = page + pages;
	int err;

	if (first < d->count && r->page <= page && r->page + r->pages >= end) {
		r->mapped = true;
		*mem = r->mem + (page - r->page) * PAGE_SIZE;
		return 0;
	}
	for (; last < d->count && d->runs[last].page < end; last++) {
		if (d->runs[last].mapped)
			return -ENOMEM;
		start = MIN(start, d->runs[last].page);
		end = MAX(end, d->runs[last].page + d->runs[last].pages);
	}
	/* Room to grow: a file that is extended and mapped again must not have to move. */
	if (first == last && range_is_free(d, end, end + MAP_SLACK_PAGES))
		end += MIN(MAP_SLACK_PAGES, pages);
	struct tmpfs_data joined = { 0 };

	err = run_add(&joined, start, end - start, mem);
	if (err) {
		kfree(joined.runs);
		return err == -ENOSPC ? -ENOMEM : err;
	}
	if (first == last && room_for_run(d)) {
		data_free(&joined);
		return -ENOMEM;
	}
	for (u32 i = first; i < last; i++)
		memcpy(*mem + (d->runs[i].page - start) * PAGE_SIZE, d->runs[i].mem,
		       d->runs[i].pages * PAGE_SIZE);
	while (last > first)
		run_remove(d, --last);
	memmove(&d->runs[first + 1], &d->runs[first], (d->count - first) * sizeof d->runs[0]);
	d->runs[first] = joined.runs[0];
	d->runs[first].mapped = true;
	d->count++;
	d->pages += joined.pages;
	kfree(joined.runs);
	*mem += (page - start) * PAGE_SIZE;
	return 0;
}

void data_discard(struct tmpfs_data *d, u64 from, u64 to)
{
	u32 i = run_index(d, from / PAGE_SIZE);

	while (i < d->count) {
		struct tmpfs_run *r = &d->runs[i];
		u64 start = r->page * PAGE_SIZE, end = start + r->pages * PAGE_SIZE;

		if (start >= to)
			return;
		if (start >= from && end <= to && !r->mapped) {
			run_remove(d, i);
			continue;
		}
		memset(r->mem + (MAX(from, start) - start), 0, MIN(to, end) - MAX(from, start));
		i++;
	}
}

void data_free(struct tmpfs_data *d)
{
	while (d->count)
		run_remove(d, d->count - 1);
	kfree(d->runs);
	d->runs = NULL;
	d->capacity = 0;
}
