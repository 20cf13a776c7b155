/*
 * What compact snapshots are computed of: maps over maps, changes over changes, and plans that say anything.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tender/base/base.h"
#include "../../tender/plan/change_index.h"
#include "../../tender/plan/map_list.h"
#include "../../tender/plan/page_changes.h"
#include "../../tender/plan/plan.h"
#include "../../tender/plan/plan_check.h"
#include "check.h"

#define PAGE UC_PAGE_SIZE
#define PAGES 48ul
#define ROUNDS 4000
#define FUZZ_ROUNDS 200000

static uint64_t random_below(uint64_t n)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* ---- maps ---- */

/* Sorted, with gaps; flags: also changes of protection. */
static struct map_list random_maps(bool with_protections)
{
	struct map_list list = { 0 };

	for (uint64_t page = random_below(4); page < PAGES; page += random_below(5)) {
		uint64_t pages = 1 + random_below(PAGES - page < 8 ? PAGES - page : 8);
		struct plan_map m = { .start = page * PAGE,
				      .bytes = pages * PAGE,
				      .prot = (uint16_t)random_below(8) };

		if (with_protections && !random_below(3))
			m.flags = PLAN_PROTECT;
		else
			m.source = random_below(2) ? PLAN_ANONYMOUS : (uint16_t)random_below(4);
		if (!m.flags && m.source != PLAN_ANONYMOUS)
			m.offset = random_below(100) * PAGE;
		map_list_add(&list, &m);
		page += pages;
	}
	return list;
}

struct page_model {
	bool mapped;
	uint16_t source, prot;
	uint64_t offset;
};

static void carry_out(struct page_model *model, const struct map_list *maps)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct plan_map *m = &maps->items[i];

		for (uint64_t page = m->start / PAGE; page < (m->start + m->bytes) / PAGE; page++) {
			model[page].prot = m->prot;
			if (m->flags & PLAN_PROTECT)
				continue;
			model[page].mapped = true;
			model[page].source = m->source;
			model[page].offset =
				m->source == PLAN_ANONYMOUS ? 0 : m->offset + (page * PAGE - m->start);
		}
	}
}

static void check_maps(const struct map_list *list, const struct page_model *model)
{
	uint64_t end = 0;

	for (size_t i = 0; i < list->count; i++) {
		CHECK(list->items[i].start >= end && list->items[i].bytes);
		end = list->items[i].start + list->items[i].bytes;
	}
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t border = UINT64_MAX;
		const struct plan_map *m = map_list_at(list, page * PAGE, &border);

		CHECK(!m == !model[page].mapped && border > page * PAGE);
		if (!m)
			continue;
		CHECK(m->source == model[page].source && m->prot == model[page].prot && !m->flags);
		CHECK(m->source == PLAN_ANONYMOUS ||
		      m->offset + (page * PAGE - m->start) == model[page].offset);
	}
}

static void maps_over_maps_are_as_if_carried_out(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct page_model model[PAGES + 8] = { 0 };
		struct map_list list = random_maps(false);

		carry_out(model, &list);
		check_maps(&list, model);
		for (int level = 0; level < 3; level++) {
			struct map_list over = random_maps(true);

			carry_out(model, &over);
			map_list_overlay(&list, over.items, over.count);
			check_maps(&list, model);
			map_list_free(&over);
		}
		map_list_free(&list);
	}
}

/* ---- changes ---- */

static struct page_changes random_changes(uint64_t memory[PAGES][PAGE_WORDS])
{
	struct page_changes all = { 0 };

	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t before[PAGE_WORDS];

		memcpy(before, memory[page], sizeof before);
		for (uint64_t words = random_below(3) ? 0 : random_below(20); words; words--)
			memory[page][random_below(PAGE_WORDS)] = random_below(5);
		page_changes_add(&all, page * PAGE, 0, before, memory[page]);
	}
	return all;
}

/* New memory is zero here; a change of protection keeps what there is. */
static void clear_mapped(uint64_t memory[PAGES][PAGE_WORDS], const struct map_list *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (!(maps->items[i].flags & PLAN_PROTECT))
			memset(memory[maps->items[i].start / PAGE], 0, maps->items[i].bytes);
}

static void changes_over_changes_make_the_same_pages(void)
{
	static uint64_t memory[PAGES + 8][PAGE_WORDS];

	for (int round = 0; round < ROUNDS / 20; round++) {
		struct page_changes changes[4];
		struct change_index index = { 0 };

		memset(memory, 0, sizeof memory);
		for (int level = 0; level < 4; level++) {
			struct map_list maps = random_maps(true);

			clear_mapped(memory, &maps);
			changes[level] = random_changes(memory);
			change_index_add(&index, maps.items, maps.count, changes[level].data,
					 changes[level].bytes);
			map_list_free(&maps);
		}
		for (uint64_t page = 0; page < PAGES; page++) {
			uint64_t made[PAGE_WORDS] = { 0 };

			for (size_t i = change_index_find(&index, page * PAGE);
			     i < index.count && index.items[i].addr == page * PAGE; i++)
				page_changes_apply_one(index.items[i].record, made);
			CHECK(!memcmp(made, memory[page], sizeof made));
		}
		for (int level = 0; level < 4; level++)
			page_changes_free(&changes[level]);
		change_index_free(&index);
	}
}

/* ---- plans that come out of a file ---- */

static struct plan_rules rules = {
	.image_bytes = { 32 * PAGE },
	.image_count = 1,
	.frame = { .altstack_base = UC_LIBOS_BASE + 8 * PAGE, .altstack_bytes = 4 * PAGE },
};

static const struct plan_map good_maps[] = {
	{ UC_EXEC_BASE, 4 * PAGE, 2 * PAGE, 0, PROT_READ | PROT_EXEC, 0 },
	{ UC_ARENA_BASE, 9 * PAGE, 0, PLAN_ANONYMOUS, PROT_READ | PROT_WRITE, 0 },
	{ UC_ARENA_BASE + 9 * PAGE, 2 * PAGE, 0, 0, PROT_READ, PLAN_PROTECT },
};

/* A compact snapshot's plan as a tender writes it; its size. */
static uint64_t good_plan(char **text)
{
	static const uint64_t zero[PAGE_WORDS], now[PAGE_WORDS] = { [3] = 1, [4] = 2, [500] = 3 };
	static char xstate[16384] __attribute__((aligned(64)));
	struct user_regs_struct regs = { .rip = UC_EXEC_BASE, .rsp = UC_ARENA_BASE, .cs = 0x33, .ss = 0x2b };
	struct plan_difference d = { .maps = good_maps, .map_count = sizeof good_maps / sizeof *good_maps };
	struct frame_source source = rules.frame;
	struct page_changes all = { 0 };
	struct layout none = { 0 };
	uint64_t bytes;
	int full, fd;

	CHECK(source.xstate_bytes <= sizeof xstate);
	source.regs = &regs;
	source.xstate = xstate;
	page_changes_add(&all, UC_LIBOS_BASE + 20 * PAGE, 0, zero, now);
	page_changes_add(&all, UC_ARENA_BASE + 2 * PAGE, 0, zero, now);
	page_changes_add(&all, UC_ARENA_BASE + 9 * PAGE, PLAN_CHANGE_PROTECTED | PROT_READ, zero, now);
	d.changes = all.data;
	d.change_bytes = all.bytes;
	full = plan_write(&none, &source, 77, &bytes);
	fd = plan_write_compact(full, &d, &bytes);
	CHECK(full >= 0 && fd >= 0);
	*text = malloc(bytes);
	CHECK(pread_all(fd, *text, bytes, 0) == 0);
	page_changes_free(&all);
	close(full);
	close(fd);
	return bytes;
}

static struct plan *plan;
static struct plan_map *map;
static struct plan_change *change;
static struct plan_run *run;

/* One line each. */
/* clang-format off */
static void a_layer(void) { map[1].source = UC_IMAGE_MAX; }
static void a_copy(void) { map[1].flags = PLAN_COPY; }
static void a_protection_with_source(void) { map[2].source = PLAN_ANONYMOUS; }
static void a_protection_with_offset(void) { map[2].offset = PAGE; }
static void a_protection_of_the_library_os(void)
{
	map[0] = (struct plan_map){ UC_LIBOS_BASE, PAGE, 0, 0, PROT_READ | PROT_WRITE, PLAN_PROTECT };
	map[0].start = UC_LIBOS_BASE;
}
static void a_protection_of_the_host(void) { map[2].bytes = UC_GUEST_END; }
static void a_page_of_the_host(void) { change->page = UC_GUEST_END / PAGE; }
static void a_page_of_the_scratch(void) { change->page = UC_SCRATCH_BASE / PAGE; }
static void a_page_of_the_vdso(void) { change->page = UC_VDSO_BASE / PAGE; }
static void text_of_the_library_os(void) { change->access = PLAN_CHANGE_PROTECTED | PROT_READ | PROT_EXEC; }
static void pages_out_of_order(void) { change->page = (UC_ARENA_BASE + 3 * PAGE) / PAGE; }
static void no_runs(void) { change->runs = 0; }
static void too_many_runs(void) { change->runs = UINT16_MAX; }
static void unknown_access(void) { change->access = 8; }
static void a_run_behind_the_page(void) { run->first = 511; }
static void a_run_without_end(void) { run->count = UINT16_MAX; }
static void changes_behind_the_end(void) { plan->changes_bytes += 8; }
static void fewer_changes(void) { plan->changes_bytes -= 8; }
static void changes_elsewhere(void) { plan->changes_offset -= 8; }
static void changes_far_away(void) { plan->changes_offset = UINT64_MAX - 7; }
static void changes_of_a_full_plan(void) { plan->flags = 0; }
static void a_context_that_goes_on(void) { plan->flags |= PLAN_RESUMES; }

static const struct {
	const char *name;
	void (*spoil)(void);
} faults[] = {
#define F(f) { #f, f }
	F(a_layer), F(a_copy), F(a_protection_with_source), F(a_protection_with_offset),
	F(a_protection_of_the_library_os), F(a_protection_of_the_host), F(a_page_of_the_host),
	F(a_page_of_the_scratch), F(a_page_of_the_vdso), F(text_of_the_library_os), F(pages_out_of_order),
	F(no_runs), F(too_many_runs), F(unknown_access), F(a_run_behind_the_page), F(a_run_without_end),
	F(changes_behind_the_end), F(fewer_changes), F(changes_elsewhere), F(changes_far_away),
	F(changes_of_a_full_plan), F(a_context_that_goes_on),
#undef F
};
/* clang-format on */

static void each_wrong_thing_is_refused(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		char *text;
		uint64_t bytes = good_plan(&text);

		CHECK(!plan_fault(text, bytes, &rules));
		plan = (struct plan *)text;
		map = (struct plan_map *)(plan + 1);
		change = (struct plan_change *)(text + plan->changes_offset);
		run = (struct plan_run *)(change + 1);
		faults[i].spoil();
		if (!plan_fault(text, bytes, &rules)) {
			fprintf(stderr, "%s was accepted\n", faults[i].name);
			exit(1);
		}
		free(text);
	}
}

/* What is accepted all the same can be read to its end, and is about pages of the guest. */
static void read_all(const char *text)
{
	const struct plan *p = (const struct plan *)text;
	const char *at = text + p->changes_offset, *end = at + p->changes_bytes;
	uint64_t page[PAGE_WORDS];

	while (at < end) {
		struct plan_change c;
		const char *next = page_changes_next(at, &c);

		CHECK(c.page < UC_GUEST_END / PAGE);
		page_changes_apply_one(at, page);
		at = next;
	}
	CHECK(at == end);
}

static void damaged_plans_do_no_harm(void)
{
	char *good;
	uint64_t bytes = good_plan(&good);
	uint64_t changes = ((const struct plan *)good)->changes_offset;
	unsigned accepted = 0;

	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		uint64_t length = random_below(10) ? bytes : random_below(bytes + 1);
		char *text = malloc(length + !length);

		memcpy(text, good, length);
		for (uint64_t n = 1 + random_below(4); n && length > changes; n--) {
			uint64_t area =
				random_below(2) ? sizeof(struct plan) + sizeof good_maps : length - changes;
			uint64_t at = random_below(area) + (area == length - changes ? changes : 0);

			text[at] = (char)(random_below(2) ? random_below(256)
							  : (uint64_t)text[at] ^ 1ull << random_below(8));
		}
		if (!plan_fault(text, length, &rules)) {
			read_all(text);
			accepted++;
		}
		free(text);
	}
	/* Other words, say, are as good. */
	CHECK(accepted > 0 && accepted < FUZZ_ROUNDS);
	free(good);
}

int main(void)
{
	frame_probe(&rules.frame.xstate_bytes, &rules.frame.xstate_mask);
	RUN(maps_over_maps_are_as_if_carried_out);
	RUN(changes_over_changes_make_the_same_pages);
	RUN(each_wrong_thing_is_refused);
	RUN(damaged_plans_do_no_harm);
	return 0;
}
