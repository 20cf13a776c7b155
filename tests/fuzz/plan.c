/* Plans of snapshots as files have them: what is accepted can be walked and carried out within its bounds. */
#define main test_main
#include "../tender/plan_check_test.c"
#undef main

#include "fuzz.h"

static uint64_t words[PAGE_WORDS];

static void walk(const struct plan *p)
{
	const char *at = (const char *)p + p->changes_offset, *end = at + p->changes_bytes;

	while (at < end) {
		struct plan_change change;
		const char *after = page_changes_next(at, &change);

		CHECK(after > at && after <= end);
		CHECK(change.page * UC_PAGE_SIZE < UC_GUEST_END);
		page_changes_apply_one(at, words);
		at = after;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct plan *p = (const void *)data;
	const struct plan_map *m = (const void *)(p + 1);

	if (!rules.frame.xstate_bytes)
		frame_probe(&rules.frame.xstate_bytes, &rules.frame.xstate_mask);
	if (plan_fault(data, size, &rules))
		return 0;
	for (uint32_t i = 0; i < p->map_count; i++) {
		CHECK(m[i].start + m[i].bytes <= UC_GUEST_END && m[i].bytes);
		CHECK(m[i].source == PLAN_ANONYMOUS || m[i].source < UC_IMAGE_MAX + rules.layer_count);
	}
	CHECK(frame_rip((const char *)p + p->frame_offset) < UC_GUEST_END);
	walk(p);
	return 0;
}

uint8_t *fuzz_seed(unsigned number, size_t *size)
{
	char *text;

	if (!rules.frame.xstate_bytes)
		frame_probe(&rules.frame.xstate_bytes, &rules.frame.xstate_mask);
	if (number > 1)
		return NULL;
	*size = number ? compact_plan(&text) : good_plan(&text);
	return (uint8_t *)text;
}
