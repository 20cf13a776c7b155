#include "plan/plan_check.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "base/base.h"
#include "plan/page_changes.h"

#define FRAME_ALIGN 64u
#define USER_END (1ul << 47) /* where addresses end that a program may use */
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)

static bool overlaps(const struct plan_map *m, uint64_t start, uint64_t end)
{
	return m->start < end && m->start + m->bytes > start;
}

/* Whole pages of the guest's space; a sum of both cannot overflow then. */
static bool is_range(uint64_t start, uint64_t bytes)
{
	return bytes && !(start % UC_PAGE_SIZE) && !(bytes % UC_PAGE_SIZE) && start < UC_GUEST_END &&
	       bytes <= UC_GUEST_END - start;
}

static const char *source_fault(const struct plan_map *m, const struct plan_rules *rules)
{
	uint64_t limit;

	if (m->source == PLAN_ANONYMOUS)
		return NULL;
	if (m->offset % UC_PAGE_SIZE)
		return "an offset is not that of a page";
	if (m->source < UC_IMAGE_MAX) {
		if (m->source >= rules->image_count)
			return "a map is of an image that there is not";
		/* A mapping may go on behind the end of its file, where there is nothing to see. */
		if (m->offset >= PAGE_UP(rules->image_bytes[m->source]) || m->bytes > UC_IMAGE_SPAN)
			return "a map lies outside of its image";
		return NULL;
	}
	if (m->source - UC_IMAGE_MAX >= rules->layer_count)
		return "a map is of a layer that there is not";
	limit = PAGE_DOWN(rules->layer_bytes[m->source - UC_IMAGE_MAX]);
	return m->offset > limit || m->bytes > limit - m->offset ? "a map lies outside of its layer" : NULL;
}

static const char *map_fault(const struct plan_map *m, bool compact, const struct plan_rules *rules)
{
	if (!is_range(m->start, m->bytes))
		return "a map is no range of the guest's pages";
	if (overlaps(m, UC_SCRATCH_BASE, UC_SCRATCH_END) || overlaps(m, UC_VDSO_BASE, UC_VDSO_END))
		return "a map covers what is no part of a snapshot";
	/* Its text is that of the embryo, never a snapshot's. */
	if (overlaps(m, UC_LIBOS_BASE, UC_LIBOS_END) && (m->prot & PROT_EXEC || m->flags))
		return "a map replaces text of the library OS";
	if (m->prot & ~PROT_KNOWN || m->flags & ~(compact ? PLAN_PROTECT : 0u))
		return "a map has unknown flags";
	if (m->flags & PLAN_PROTECT)
		return m->source || m->offset ? "a change of protection has a source" : NULL;
	if (compact && m->source != PLAN_ANONYMOUS && m->source >= UC_IMAGE_MAX)
		return "a compact snapshot maps a layer";
	return source_fault(m, rules);
}

static const char *maps_fault(const struct plan *p, const struct plan_rules *rules)
{
	const struct plan_map *m = (const struct plan_map *)(p + 1);
	uint64_t end = 0;

	for (uint32_t i = 0; i < p->map_count; i++) {
		const char *fault = map_fault(&m[i], p->flags & PLAN_COMPACT, rules);

		if (fault)
			return fault;
		if (m[i].start < end)
			return "maps overlap, or are out of order";
		end = m[i].start + m[i].bytes;
	}
	return NULL;
}

/* Where the parts lie: maps, then the frame, then the end. Sizes are checked before they are added. */
static const char *shape_fault(const struct plan *p, uint64_t bytes, const struct plan_rules *rules)
{
	uint64_t maps_end = sizeof *p + p->map_count * sizeof(struct plan_map);
	uint64_t frame_offset = (maps_end + FRAME_ALIGN - 1) & ~(uint64_t)(FRAME_ALIGN - 1);

	if (p->magic != PLAN_MAGIC)
		return "it is no plan";
	if (p->version != PLAN_VERSION)
		return "it is of another version";
	if (p->flags & ~PLAN_COMPACT || p->touch_count ||
	    (!p->flags && (p->changes_offset || p->changes_bytes)))
		return "it has parts that no stored plan has";
	if (p->frame_offset != frame_offset || p->frame_bytes != frame_bytes(rules->frame.xstate_bytes) ||
	    p->frame_offset > bytes || p->frame_bytes > bytes - p->frame_offset ||
	    p->changes_bytes != bytes - p->frame_offset - p->frame_bytes ||
	    p->changes_offset != (p->changes_bytes ? p->frame_offset + p->frame_bytes : 0))
		return "its parts are not where they belong";
	if (p->frame_sp != UC_SCRATCH_BASE)
		return "its frame is for another place";
	/* A context that has set none has that of the process it was made of. */
	if (p->fs_base >= USER_END || p->gs_base >= USER_END)
		return "a segment's base is none of a guest";
	return NULL;
}

static const char *changes_fault(const struct plan *p)
{
	const char *at = (const char *)p + p->changes_offset, *end = at + p->changes_bytes;

	if (!page_changes_is_sound(at, p->changes_bytes))
		return "its changes are no changes of pages";
	while (at < end) {
		struct plan_change c;
		uint64_t addr;

		at = page_changes_next(at, &c);
		addr = (uint64_t)c.page * UC_PAGE_SIZE;
		if ((addr >= UC_SCRATCH_BASE && addr < UC_SCRATCH_END) ||
		    (addr >= UC_VDSO_BASE && addr < UC_VDSO_END))
			return "a change is of what is no part of a snapshot";
		if (c.access &&
		    (c.access & ~(PLAN_CHANGE_PROTECTED | PROT_KNOWN) || !(c.access & PLAN_CHANGE_PROTECTED)))
			return "a change has unknown flags";
		/* Its data is writable, its text never changes. */
		if (addr >= UC_LIBOS_BASE && addr < UC_LIBOS_END && c.access)
			return "a change is of text of the library OS";
	}
	return NULL;
}

const char *plan_fault(const void *text, uint64_t bytes, const struct plan_rules *rules)
{
	const struct plan *p = text;
	const char *fault;

	if (bytes < sizeof *p || bytes > PLAN_BYTES_MAX)
		return "its size is that of no plan";
	fault = shape_fault(p, bytes, rules);
	if (!fault)
		fault = maps_fault(p, rules);
	if (!fault)
		fault = changes_fault(p);
	if (!fault)
		fault = frame_fault((const char *)p + p->frame_offset, p->frame_sp, &rules->frame);
	return fault;
}
