/* From a memory map to the maps of a plan, and the plan as a file. */
#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../abi/layout.h"
#include "../../tender/base/base.h"
#include "../../tender/plan/layout.h"
#include "../../tender/plan/plan.h"
#include "mappings.h"

#define IMAGE_INO 100
#define LIBOS_INO 300

static const struct layout_source sources[] = {
	{ { 0, 7, IMAGE_INO }, 0 },
	{ { 0, 7, LAYER_INO }, UC_IMAGE_MAX },
};

static int build(const struct vma *vmas, size_t vma_count, const struct page_run *own, size_t own_count,
		 unsigned fill, struct layout *out)
{
	struct layout_input in = {
		.vmas = vmas,
		.vma_count = vma_count,
		.own = own,
		.own_count = own_count,
		.sources = sources,
		.source_count = ARRAY_SIZE(sources),
		.own_source = UC_IMAGE_MAX + 1,
		.libos = { 0, 7, LIBOS_INO },
		.fill_pages = fill,
	};

	return layout_build(&in, out);
}

static void own_pages_split_a_mapping(void)
{
	struct vma v = vma(UC_ARENA_BASE, 100, 3, 0, 0);
	struct page_run own[] = { { UC_ARENA_BASE + 10 * PAGE, UC_ARENA_BASE + 12 * PAGE },
				  { UC_ARENA_BASE + 50 * PAGE, UC_ARENA_BASE + 51 * PAGE } };
	struct layout l;

	CHECK(build(&v, 1, own, 2, 8, &l) == 0);
	CHECK(l.map_count == 5 && l.own_pages == 3 && l.copy_count == 2);
	check_map(&l.maps[0], UC_ARENA_BASE, 10, PLAN_ANONYMOUS, 0);
	check_map(&l.maps[1], UC_ARENA_BASE + 10 * PAGE, 2, UC_IMAGE_MAX + 1, 0);
	check_map(&l.maps[2], UC_ARENA_BASE + 12 * PAGE, 38, PLAN_ANONYMOUS, 0);
	check_map(&l.maps[3], UC_ARENA_BASE + 50 * PAGE, 1, UC_IMAGE_MAX + 1, 2 * PAGE);
	check_map(&l.maps[4], UC_ARENA_BASE + 51 * PAGE, 49, PLAN_ANONYMOUS, 0);
	layout_free(&l);
}

static void small_gaps_are_filled_within_one_mapping(void)
{
	struct vma v[] = { vma(UC_ARENA_BASE, 10, 3, 0, 0), vma(UC_ARENA_BASE + 10 * PAGE, 10, 1, 0, 0) };
	struct page_run own[] = { { UC_ARENA_BASE, UC_ARENA_BASE + PAGE },
				  { UC_ARENA_BASE + 9 * PAGE, UC_ARENA_BASE + 10 * PAGE },
				  { UC_ARENA_BASE + 12 * PAGE, UC_ARENA_BASE + 13 * PAGE } };
	struct layout l;

	CHECK(build(v, 2, own, 3, 8, &l) == 0);
	CHECK(l.map_count == 4 && l.own_pages == 11);
	check_map(&l.maps[0], UC_ARENA_BASE, 10, UC_IMAGE_MAX + 1, 0);
	check_map(&l.maps[1], UC_ARENA_BASE + 10 * PAGE, 2, PLAN_ANONYMOUS, 0);
	check_map(&l.maps[2], UC_ARENA_BASE + 12 * PAGE, 1, UC_IMAGE_MAX + 1, 10 * PAGE);
	layout_free(&l);
	CHECK(build(v, 2, own, 3, 7, &l) == 0);
	CHECK(l.own_pages == 3);
	layout_free(&l);
}

static void a_run_may_cross_mappings(void)
{
	struct vma v[] = { vma(UC_ARENA_BASE, 4, 3, 0, 0), vma(UC_ARENA_BASE + 4 * PAGE, 4, 1, 0, 0) };
	struct page_run own = { UC_ARENA_BASE + 2 * PAGE, UC_ARENA_BASE + 6 * PAGE };
	struct layout l;

	CHECK(build(v, 2, &own, 1, 0, &l) == 0);
	CHECK(l.map_count == 4 && l.own_pages == 4 && l.copy_count == 1);
	check_map(&l.maps[1], UC_ARENA_BASE + 2 * PAGE, 2, UC_IMAGE_MAX + 1, 0);
	check_map(&l.maps[2], UC_ARENA_BASE + 4 * PAGE, 2, UC_IMAGE_MAX + 1, 2 * PAGE);
	CHECK(l.maps[1].prot == 3 && l.maps[2].prot == 1);
	layout_free(&l);
}

static void files_are_inherited(void)
{
	struct vma v[] = { vma(UC_ARENA_BASE, 10, 5, IMAGE_INO, 0x5000),
			   vma(UC_ARENA_BASE + 10 * PAGE, 10, 3, LAYER_INO, 0x9000) };
	struct page_run own = { UC_ARENA_BASE + 12 * PAGE, UC_ARENA_BASE + 13 * PAGE };
	struct layout l;

	CHECK(build(v, 2, &own, 1, 0, &l) == 0);
	CHECK(l.map_count == 4 && l.shared_pages == 9);
	check_map(&l.maps[0], UC_ARENA_BASE, 10, 0, 0x5000);
	check_map(&l.maps[1], UC_ARENA_BASE + 10 * PAGE, 2, UC_IMAGE_MAX, 0x9000);
	check_map(&l.maps[3], UC_ARENA_BASE + 13 * PAGE, 7, UC_IMAGE_MAX, 0x9000 + 3 * PAGE);
	layout_free(&l);
}

/* Three mappings of each library, as its linker has laid it out, and its data, which is written. */
static void constants_join_the_code_beside_them(void)
{
	struct vma v[] = { vma(UC_ARENA_BASE, 1, 1, IMAGE_INO, 0x5000),
			   vma(UC_ARENA_BASE + PAGE, 4, 5, IMAGE_INO, 0x6000),
			   vma(UC_ARENA_BASE + 5 * PAGE, 2, 1, IMAGE_INO, 0xa000),
			   vma(UC_ARENA_BASE + 7 * PAGE, 2, 3, IMAGE_INO, 0xc000),
			   vma(UC_ARENA_BASE + 9 * PAGE, 1, 1, IMAGE_INO, 0xf000),
			   vma(UC_ARENA_BASE + 10 * PAGE, 1, 1, LAYER_INO, 0),
			   vma(UC_ARENA_BASE + 11 * PAGE, 1, 5, LAYER_INO, PAGE) };
	struct layout l;

	CHECK(build(v, ARRAY_SIZE(v), NULL, 0, 0, &l) == 0);
	CHECK(l.map_count == 5);
	check_map(&l.maps[0], UC_ARENA_BASE, 7, 0, 0x5000);
	CHECK(l.maps[0].prot == 5 && l.maps[1].prot == 3);
	/* Behind a gap of the file, and what is not of an image, stays as it is. */
	CHECK(l.maps[2].prot == 1 && l.maps[3].prot == 1 && l.maps[4].prot == 5);
	layout_free(&l);
}

static void what_no_snapshot_can_hold_is_refused(void)
{
	struct vma foreign = vma(UC_ARENA_BASE, 1, 1, 999, 0), shared = vma(UC_ARENA_BASE, 1, 3, 0, 0);
	struct layout l;

	shared.shared = true;
	CHECK(build(&foreign, 1, NULL, 0, 0, &l) == -ENOTSUP && l.conflict == UC_ARENA_BASE);
	layout_free(&l);
	CHECK(build(&shared, 1, NULL, 0, 0, &l) == -ENOTSUP);
	layout_free(&l);
}

/* The kernel joins the heap of the library OS and the scratch region into one mapping. */
static void scratch_and_clean_library_os_are_left_out(void)
{
	uint64_t heap = UC_LIBOS_END - 4 * PAGE, scratch_pages = (UC_SCRATCH_END - UC_SCRATCH_BASE) / PAGE;
	struct vma v[] = { vma(UC_LIBOS_BASE, 4, 5, LIBOS_INO, 0), vma(heap, 4 + scratch_pages, 3, 0, 0) };
	struct page_run own[] = { { UC_LIBOS_END - PAGE, UC_LIBOS_END + PAGE },
				  { UC_SCRATCH_END - PAGE, UC_SCRATCH_END } };
	struct layout l;

	CHECK(build(v, 2, own, 2, 8, &l) == 0);
	CHECK(l.map_count == 1 && l.own_pages == 1);
	check_map(&l.maps[0], UC_LIBOS_END - PAGE, 1, UC_IMAGE_MAX + 1, 0);
	layout_free(&l);
}

static void layers_can_be_absorbed(void)
{
	struct vma v[] = { vma(UC_ARENA_BASE, 10, 3, LAYER_INO, 0),
			   vma(UC_ARENA_BASE + 20 * PAGE, 5, 3, 0, 0) };
	struct vma_list list = { v, 2, 2 };
	struct page_runs own = { 0 };

	page_runs_add(&own, UC_ARENA_BASE + 2 * PAGE, UC_ARENA_BASE + 3 * PAGE);
	page_runs_add(&own, UC_ARENA_BASE + 21 * PAGE, UC_ARENA_BASE + 22 * PAGE);
	layout_absorb_layers(&list, sources, ARRAY_SIZE(sources), &own);
	CHECK(own.count == 2);
	CHECK(own.items[0].start == UC_ARENA_BASE && own.items[0].end == UC_ARENA_BASE + 10 * PAGE);
	page_runs_free(&own);
}

static void a_plan_can_be_read_back(void)
{
	struct vma v = vma(UC_ARENA_BASE, 3, 3, 0, 0);
	struct user_regs_struct regs = { .rip = 0x1234, .rsp = 0x5678, .cs = 0x33, .ss = 0x2b, .fs_base = 9 };
	static char xstate[4096] __attribute__((aligned(64)));
	struct frame_source source = { .regs = &regs, .xstate = xstate };
	struct plan_map *maps;
	struct layout l;
	struct plan p;
	ucontext_t uc;
	uint64_t bytes;
	int fd;

	frame_probe(&source.xstate_bytes, &source.xstate_mask);
	CHECK(source.xstate_bytes <= sizeof xstate);
	CHECK(build(&v, 1, NULL, 0, 0, &l) == 0);
	fd = plan_write(&l, &source, 77, &bytes);
	CHECK(fd >= 0);
	CHECK(pread(fd, &p, sizeof p, 0) == sizeof p);
	CHECK(p.magic == PLAN_MAGIC && p.map_count == 1 && p.fs_base == 9 && p.clock_monotonic_ns == 77);
	CHECK(p.frame_offset % 64 == 0 && p.frame_offset + p.frame_bytes == bytes);
	CHECK(pread(fd, &uc, sizeof uc, (off_t)p.frame_offset) == sizeof uc);
	CHECK(uc.uc_mcontext.gregs[REG_RIP] == 0x1234 && uc.uc_mcontext.gregs[REG_RSP] == 0x5678);
	CHECK((uint64_t)uc.uc_mcontext.fpregs % 64 == 0 && (uint64_t)uc.uc_mcontext.fpregs > p.frame_sp);
	CHECK(plan_read_maps(fd, &maps) == 1);
	check_map(&maps[0], UC_ARENA_BASE, 3, PLAN_ANONYMOUS, 0);
	CHECK(write(fd, "x", 1) < 0 && ftruncate(fd, 0) < 0);
	free(maps);
	close(fd);
	layout_free(&l);
}

int main(void)
{
	RUN(own_pages_split_a_mapping);
	RUN(small_gaps_are_filled_within_one_mapping);
	RUN(a_run_may_cross_mappings);
	RUN(files_are_inherited);
	RUN(constants_join_the_code_beside_them);
	RUN(what_no_snapshot_can_hold_is_refused);
	RUN(scratch_and_clean_library_os_are_left_out);
	RUN(layers_can_be_absorbed);
	RUN(a_plan_can_be_read_back);
	return 0;
}
