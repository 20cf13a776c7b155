#include "sandbox/zygote_map.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "plan/page_changes.h"
#include "plan/plan.h"

static bool may_be_mapped(uint64_t start, uint64_t bytes)
{
	return start < UC_GUEST_END && bytes <= UC_GUEST_END - start;
}

/* -1: anonymous memory, or a source that is not there. */
static int source_fd(const struct template_sources *from, uint16_t source)
{
	int layer = source - (int)UC_IMAGE_MAX;

	if (source == PLAN_ANONYMOUS)
		return -1;
	if (layer < 0)
		return source < from->image_count ? from->fds[source] : -1;
	return layer < from->layer_count ? from->fds[from->image_count + from->plan_count + layer] : -1;
}

static int carry_out_map(const struct template_sources *from, const struct plan_map *m)
{
	int fd = source_fd(from, m->source);
	int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
	void *to = (void *)m->start;

	if (!may_be_mapped(m->start, m->bytes))
		return -EINVAL;
	if (m->flags & PLAN_PROTECT)
		return mprotect(to, m->bytes, m->prot) < 0 ? -errno : 0;
	if (fd < 0 && m->source != PLAN_ANONYMOUS)
		return -EINVAL;
	if (m->flags & PLAN_COPY)
		return pread_all(fd, to, m->bytes, m->offset);
	return mmap(to, m->bytes, m->prot, flags, fd, (off_t)m->offset) == to ? 0 : -errno;
}

static int change_page(const struct plan_change *change, const char *record)
{
	void *page = (void *)(change->page * UC_PAGE_SIZE);

	if (change->access && mprotect(page, UC_PAGE_SIZE, PROT_READ | PROT_WRITE) < 0)
		return -errno;
	page_changes_apply_one(record, page);
	if (change->access && mprotect(page, UC_PAGE_SIZE, change->access & ~PLAN_CHANGE_PROTECTED) < 0)
		return -errno;
	return 0;
}

static int carry_out(const struct template_sources *from, const struct plan_view *plan)
{
	const char *at = plan->changes, *end = at + plan->head->changes_bytes;
	int error = 0;

	for (uint32_t i = 0; !error && i < plan->head->map_count; i++)
		error = carry_out_map(from, &plan->maps[i]);
	while (!error && at < end) {
		struct plan_change change;
		const char *next = page_changes_next(at, &change);

		error = may_be_mapped(change.page * UC_PAGE_SIZE, UC_PAGE_SIZE) ? change_page(&change, at)
										: -EINVAL;
		at = next;
	}
	return error;
}

int zygote_map(const struct template_sources *from)
{
	int error = 0;

	for (int i = 0; !error && i < from->plan_count; i++) {
		struct plan_view plan = { 0 };

		error = plan_open(from->fds[from->image_count + i], &plan);
		if (!error)
			error = carry_out(from, &plan);
		plan_close(&plan);
	}
	return error;
}
