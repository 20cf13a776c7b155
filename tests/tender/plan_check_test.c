/* Plans out of files: what a hostile one may say. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../tender/base/base.h"
#include "../../tender/plan/page_changes.h"
#include "../../tender/plan/plan.h"
#include "../../tender/plan/plan_check.h"
#include "check.h"

#define PAGE UC_PAGE_SIZE
#define LAYER_PAGES 64ul
#define IMAGE_PAGES 32ul
#define ROUNDS 300000

static uint64_t layer_bytes[] = { LAYER_PAGES * PAGE, 8 * PAGE };
static struct plan_rules rules = {
	.image_bytes = { IMAGE_PAGES * PAGE, 5 * PAGE - 7 },
	.image_count = 2,
	.layer_bytes = layer_bytes,
	.layer_count = 2,
	.frame = { .altstack_base = UC_LIBOS_BASE + 8 * PAGE, .altstack_bytes = 4 * PAGE },
};

static struct plan_map maps[] = {
	{ UC_EXEC_BASE, 4 * PAGE, 2 * PAGE, 0, PROT_READ | PROT_EXEC, 0 },
	{ UC_LIBOS_BASE + 8 * PAGE, 4 * PAGE, 0, UC_IMAGE_MAX, PROT_READ | PROT_WRITE, 0 },
	{ UC_ARENA_BASE, 60 * PAGE, 4 * PAGE, UC_IMAGE_MAX, PROT_READ | PROT_WRITE | PROT_EXEC, 0 },
	{ UC_ARENA_BASE + 60 * PAGE, 9 * PAGE, 0, PLAN_ANONYMOUS, PROT_NONE, 0 },
	{ UC_ARENA_BASE + 80 * PAGE, 8 * PAGE, 0, UC_IMAGE_MAX + 1, PROT_READ, 0 },
	{ UC_GUEST_END - PAGE, PAGE, 4 * PAGE, 1, PROT_READ, 0 },
};
#define MAPS (sizeof maps / sizeof maps[0])

/* A plan as a tender writes it; its size. */
static uint64_t good_plan(char **text)
{
	static char xstate[8192] __attribute__((aligned(64)));
	struct user_regs_struct regs = {
		.rip = UC_EXEC_BASE, .rsp = UC_ARENA_BASE, .cs = 0x33, .ss = 0x2b, .fs_base = 4096
	};
	struct layout l = { .maps = maps, .map_count = MAPS };
	struct frame_source source = rules.frame;
	uint64_t bytes;
	int fd;

	CHECK(source.xstate_bytes <= sizeof xstate);
	source.regs = &regs;
	source.xstate = xstate;
	fd = plan_write(&l, &source, 77, &bytes);
	CHECK(fd >= 0);
	*text = malloc(bytes);
	CHECK(pread_all(fd, *text, bytes, 0) == 0);
	close(fd);
	return bytes;
}

static struct plan_map own_maps[] = {
	{ UC_ARENA_BASE, 4 * PAGE, 0, 0, PROT_READ, PLAN_PROTECT },
	{ UC_ARENA_BASE + 80 * PAGE, 8 * PAGE, 0, PLAN_ANONYMOUS, PROT_READ | PROT_WRITE, 0 },
	{ UC_ARENA_BASE + 90 * PAGE, 8 * PAGE, 2 * PAGE, 0, PROT_READ, 0 },
};

/* One of a compact snapshot: maps, protections and words of its own. */
static uint64_t compact_plan(char **text)
{
	static uint64_t base[PAGE_WORDS], now[PAGE_WORDS];
	struct plan_difference difference = { .maps = own_maps,
					      .map_count = sizeof own_maps / sizeof own_maps[0] };
	struct page_changes d = { 0 };
	uint64_t bytes;
	char *parent;
	int fd, compact;

	for (uint64_t i = 0; i < 20; i++)
		now[i * i] = i + 1;
	page_changes_add(&d, UC_LIBOS_BASE + 9 * PAGE, 0, base, now);
	page_changes_add(&d, UC_ARENA_BASE, PLAN_CHANGE_PROTECTED | PROT_READ, base, now);
	page_changes_add(&d, UC_ARENA_BASE + 81 * PAGE, 0, base, now);
	difference.changes = d.data;
	difference.change_bytes = d.bytes;
	fd = memfd_create("parent", 0);
	bytes = good_plan(&parent);
	CHECK(pwrite_all(fd, parent, bytes, 0) == 0);
	compact = plan_write_compact(fd, &difference, &bytes);
	CHECK(compact >= 0);
	*text = malloc(bytes);
	CHECK(pread_all(compact, *text, bytes, 0) == 0);
	close(compact);
	close(fd);
	free(parent);
	page_changes_free(&d);
	return bytes;
}

static void a_written_plan_is_accepted(void)
{
	char *text;
	uint64_t bytes = good_plan(&text);

	CHECK(plan_fault(text, bytes, &rules) == NULL);
	free(text);
	bytes = compact_plan(&text);
	CHECK(plan_fault(text, bytes, &rules) == NULL);
	free(text);
}

/* ---- one thing at a time ---- */

static struct plan *plan;
static struct plan_map *map;
static ucontext_t *frame;
static char *xstate;

/* One line each. */
/* clang-format off */
static void no_magic(void) { plan->magic++; }
static void other_version(void) { plan->version++; }
static void unknown_flag(void) { plan->flags = 0x80000000; }
static void touches(void) { plan->touch_count = 1; }
static void more_maps(void) { plan->map_count++; }
static void fewer_maps(void) { plan->map_count--; }
static void endless_maps(void) { plan->map_count = UINT32_MAX; }
static void frame_elsewhere(void) { plan->frame_offset += 64; }
static void frame_beyond(void) { plan->frame_offset = UINT64_MAX - 63; }
static void frame_too_long(void) { plan->frame_bytes = UINT64_MAX; }
static void frame_too_short(void) { plan->frame_bytes -= 64; }
static void frame_for_another_place(void) { plan->frame_sp += 64; }
static void kernel_fs_base(void) { plan->fs_base = 1ull << 63; }
static void kernel_gs_base(void) { plan->gs_base = 1ul << 47; }
static void unaligned_start(void) { map[0].start++; }
static void unaligned_bytes(void) { map[0].bytes++; }
static void unaligned_offset(void) { map[0].offset++; }
static void empty_map(void) { map[3].bytes = 0; }
static void map_of_the_host(void) { map[5].start = UC_GUEST_END; }
static void map_into_the_host(void) { map[5].bytes += PAGE; }
static void wrapping_map(void) { map[5].bytes = -PAGE; }
static void map_of_the_scratch(void) { map[1].start = UC_SCRATCH_BASE; }
static void map_into_the_scratch(void) { map[1].start = UC_SCRATCH_BASE - PAGE; }
static void map_of_the_vdso(void) { map[1].start = UC_VDSO_END - PAGE; }
static void text_of_the_libos(void) { map[1].prot |= PROT_EXEC; }
static void overlap(void) { map[2].bytes += PAGE; map[2].offset -= PAGE; }
static void out_of_order(void) { map[4].start = UC_ARENA_BASE - 8 * PAGE; }
static void unknown_prot(void) { map[0].prot = 8; }
static void copied_map(void) { map[4].flags = PLAN_COPY; }
static void unknown_image(void) { map[0].source = 2; }
static void unknown_layer(void) { map[4].source++; }
static void behind_the_layer(void) { map[2].offset += PAGE; }
static void far_behind_the_layer(void) { map[2].offset = -PAGE; }
static void behind_the_image(void) { map[0].offset = IMAGE_PAGES * PAGE; }
static void host_program_counter(void) { frame->uc_mcontext.gregs[REG_RIP] = (greg_t)UC_GUEST_END; }
static void mode_of_32_bits(void) { frame->uc_mcontext.gregs[REG_CSGSFS] = 0x23 | 0x2bll << 48; }
static void other_altstack(void) { frame->uc_stack.ss_size++; }
static void other_flags(void) { frame->uc_flags = 0; }
static void state_elsewhere(void) { frame->uc_mcontext.fpregs = (fpregset_t)64; }
static void unknown_state(void) { memset(xstate + 512, 0xff, 8); }
static void compact_state(void) { xstate[512 + 15] = (char)0x80; }
static void unknown_mxcsr(void) { memset(xstate + 24, 0xff, 4); }

static struct plan_change *record(void)
{
	return (struct plan_change *)((char *)plan + plan->changes_offset);
}
static struct plan_run *run(void) { return (struct plan_run *)(record() + 1); }

static void no_compact_flag(void) { plan->flags = 0; }
static void resumes(void) { plan->flags |= PLAN_RESUMES; }
static void changes_elsewhere(void) { plan->changes_offset += 8; }
static void changes_beyond(void) { plan->changes_bytes += 8; }
static void endless_changes(void) { plan->changes_bytes = UINT64_MAX; }
static void change_of_the_scratch(void) { record()->page = UC_SCRATCH_BASE / PAGE; }
static void change_of_the_vdso(void) { record()->page = UC_VDSO_BASE / PAGE; }
static void change_of_the_host(void) { record()->page = UC_GUEST_END / PAGE; }
static void change_of_libos_text(void) { record()->access = PLAN_CHANGE_PROTECTED | PROT_READ | PROT_EXEC; }
static void change_with_unknown_access(void) { record()->access = 7; }
static void changes_out_of_order(void) { record()->page = (UC_ARENA_BASE + 50 * PAGE) / PAGE; }
static void no_runs(void) { record()->runs = 0; }
static void too_many_runs(void) { record()->runs = UINT16_MAX; }
static void run_behind_the_page(void) { run()->first = PAGE_WORDS; }
static void endless_run(void) { run()->count = UINT16_MAX; }
static void protection_with_a_source(void) { map[0].offset = PAGE; }
static void compact_with_a_layer(void) { map[1].source = UC_IMAGE_MAX; }

static const struct {
	const char *name;
	void (*change)(void);
} compact_changes[] = {
#define C(f) { #f, f }
	C(no_compact_flag), C(resumes), C(changes_elsewhere), C(changes_beyond), C(endless_changes),
	C(change_of_the_scratch), C(change_of_the_vdso), C(change_of_the_host), C(change_of_libos_text),
	C(change_with_unknown_access), C(changes_out_of_order), C(no_runs), C(too_many_runs),
	C(run_behind_the_page), C(endless_run), C(protection_with_a_source), C(compact_with_a_layer),
}, changes[] = {
	C(no_magic), C(other_version), C(unknown_flag), C(touches), C(more_maps), C(fewer_maps),
	C(endless_maps), C(frame_elsewhere), C(frame_beyond), C(frame_too_long), C(frame_too_short),
	C(frame_for_another_place), C(kernel_fs_base), C(kernel_gs_base), C(unaligned_start),
	C(unaligned_bytes), C(unaligned_offset), C(empty_map), C(map_of_the_host), C(map_into_the_host),
	C(wrapping_map), C(map_of_the_scratch), C(map_into_the_scratch), C(map_of_the_vdso),
	C(text_of_the_libos), C(overlap), C(out_of_order), C(unknown_prot), C(copied_map), C(unknown_image),
	C(unknown_layer), C(behind_the_layer), C(far_behind_the_layer), C(behind_the_image),
	C(host_program_counter), C(mode_of_32_bits), C(other_altstack), C(other_flags), C(state_elsewhere),
	C(unknown_state), C(compact_state), C(unknown_mxcsr),
#undef C
};
/* clang-format on */

static void check_refused(uint64_t (*make)(char **text), const char *name, void (*change)(void))
{
	char *text;
	uint64_t bytes = make(&text);

	plan = (struct plan *)text;
	map = (struct plan_map *)(plan + 1);
	frame = (ucontext_t *)(text + plan->frame_offset);
	xstate = text + plan->frame_offset + ((uint64_t)frame->uc_mcontext.fpregs - plan->frame_sp);
	change();
	if (!plan_fault(text, bytes, &rules)) {
		fprintf(stderr, "%s was accepted\n", name);
		exit(1);
	}
	free(text);
}

static void each_wrong_thing_is_refused(void)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		check_refused(good_plan, changes[i].name, changes[i].change);
	for (size_t i = 0; i < sizeof compact_changes / sizeof compact_changes[0]; i++)
		check_refused(compact_plan, compact_changes[i].name, compact_changes[i].change);
}

static void check_cut(uint64_t (*make)(char **text))
{
	char *text;
	uint64_t bytes = make(&text);

	for (uint64_t left = 0; left < bytes; left += left < 400 ? 1 : 13) {
		/* Just as long, so that the sanitizer sees each look behind the end. */
		char *cut = malloc(left ? left : 1);

		memcpy(cut, text, left);
		CHECK(plan_fault(cut, left, &rules) != NULL);
		free(cut);
	}
	free(text);
}

static void a_cut_plan_is_refused(void)
{
	check_cut(good_plan);
	check_cut(compact_plan);
}

/* ---- anything ---- */

static uint64_t draw(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* What an accepted plan promises, said in another way than the check says it. */
static bool stays_inside(const struct plan *p)
{
	const struct plan_map *m = (const struct plan_map *)(p + 1);

	for (uint32_t i = 0; i < p->map_count; i++) {
		__uint128_t end = (__uint128_t)m[i].start + m[i].bytes,
			    file_end = (__uint128_t)m[i].offset + m[i].bytes;

		if (!m[i].bytes || end > UC_GUEST_END || (i && m[i].start < m[i - 1].start + m[i - 1].bytes))
			return false;
		if (m[i].source >= UC_IMAGE_MAX && m[i].source != PLAN_ANONYMOUS &&
		    (m[i].source > UC_IMAGE_MAX + 1 || file_end > layer_bytes[m[i].source - UC_IMAGE_MAX]))
			return false;
		if (m[i].source < UC_IMAGE_MAX && m[i].source >= rules.image_count)
			return false;
		if (end > UC_SCRATCH_BASE && m[i].start < UC_SCRATCH_END)
			return false;
	}
	return true;
}

static void fuzz(uint64_t (*make)(char **text))
{
	char *good, *text;
	uint64_t bytes = make(&good), accepted = 0, interesting = sizeof(struct plan) + sizeof maps;

	text = malloc(bytes);
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(text, good, bytes);
		for (uint64_t n = draw() % 4 + 1; n; n--) {
			uint64_t at = draw() % (draw() % 4 ? interesting : bytes);

			switch (draw() % 3) {
			case 0:
				text[at] ^= (char)(1 << draw() % 8);
				break;
			case 1:
				text[at] = (char)draw();
				break;
			default: {
				uint64_t value = draw() >> draw() % 64;

				memcpy(text + (at < bytes - 8 ? at & ~7ul : 0), &value, 8);
			}
			}
		}
		if (!plan_fault(text, bytes, &rules)) {
			CHECK(stays_inside((const struct plan *)text));
			accepted++;
		}
	}
	/* General registers, say, may hold anything. */
	CHECK(accepted > 0 && accepted < ROUNDS);
	free(text);
	free(good);
}

static void whatever_it_says_it_is_safe(void)
{
	fuzz(good_plan);
	fuzz(compact_plan);
}

int main(void)
{
	frame_probe(&rules.frame.xstate_bytes, &rules.frame.xstate_mask);
	RUN(a_written_plan_is_accepted);
	RUN(each_wrong_thing_is_refused);
	RUN(a_cut_plan_is_refused);
	RUN(whatever_it_says_it_is_safe);
	return 0;
}
