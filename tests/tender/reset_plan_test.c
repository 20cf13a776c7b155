/* The plan that puts a UC back to its snapshot. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "../../abi/layout.h"
#include "../../tender/base/base.h"
#include "../../tender/plan/reset_plan.h"
#include "check.h"

#define PAGE UC_PAGE_SIZE
#define AT UC_ARENA_BASE
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define IMAGE_INO 100
#define LAYER_INO 200
#define LIBOS_INO 300
#define LAYER UC_IMAGE_MAX

static const struct file_id image = { 0, 7, IMAGE_INO }, layer = { 0, 7, LAYER_INO };

static struct vma vma(uint64_t start, uint64_t pages, int prot, uint64_t ino, uint64_t page)
{
	return (struct vma){ .start = start,
			     .end = start + pages * PAGE,
			     .offset = page * PAGE,
			     .file = { 0, ino ? 7 : 0, ino },
			     .prot = (uint16_t)prot };
}

static struct plan_map of(uint64_t start, uint64_t pages, int prot, uint16_t source, uint64_t page)
{
	return (struct plan_map){ .start = start,
				  .bytes = pages * PAGE,
				  .offset = page * PAGE,
				  .source = source,
				  .prot = (uint16_t)prot };
}

/* Of the library OS: a page of text, a page of data; then a page of the vDSO. */
static struct vma embryo[] = {
	{ .start = UC_LIBOS_BASE, .end = UC_LIBOS_BASE + PAGE, .file = { 0, 7, LIBOS_INO }, .prot = RX },
	{ .start = UC_LIBOS_BASE + PAGE,
	  .end = UC_LIBOS_BASE + 2 * PAGE,
	  .offset = PAGE,
	  .file = { 0, 7, LIBOS_INO },
	  .prot = RW },
	{ .start = UC_VDSO_BASE, .end = UC_VDSO_BASE + PAGE, .prot = RX, .vdso = true },
};

struct given {
	struct plan_map maps[4];
	struct vma now[8];
	struct page_run own[4];
	bool keep;
};

static int plan(const struct given *g, struct reset_list *list)
{
	struct vma_list now = { .items = (struct vma *)g->now },
			fresh = { .items = embryo, .count = ARRAY_SIZE(embryo) };
	struct page_runs own = { .items = (struct page_run *)g->own };
	struct reset_input in = {
		.maps = g->maps,
		.images = &image,
		.layers = &layer,
		.image_count = 1,
		.layer_count = 1,
		.embryo = &fresh,
		.now = &now,
		.own = &own,
		.keep = g->keep,
	};
	uint64_t conflict;

	*list = (struct reset_list){ 0 };
	while (in.map_count < ARRAY_SIZE(g->maps) && g->maps[in.map_count].bytes)
		in.map_count++;
	while (now.count < ARRAY_SIZE(g->now) && g->now[now.count].end)
		now.count++;
	while (own.count < ARRAY_SIZE(g->own) && g->own[own.count].end)
		own.count++;
	return reset_plan(&in, list, &conflict);
}

/* One entry, and nothing else, is to be done. */
static void check_one(const struct given *g, uint64_t start, uint64_t pages, uint16_t source, uint64_t page,
		      uint32_t flags)
{
	struct reset_list list;

	CHECK(plan(g, &list) == 0);
	CHECK(list.count == 1);
	CHECK(list.items[0].start == start && list.items[0].bytes == pages * PAGE);
	CHECK(list.items[0].source == source && list.items[0].flags == flags);
	CHECK(source == PLAN_ANONYMOUS || list.items[0].offset == page * PAGE);
	reset_list_free(&list);
}

static void check_none(const struct given *g)
{
	struct reset_list list;

	CHECK(plan(g, &list) == 0);
	CHECK(list.count == 0);
	reset_list_free(&list);
}

static void check_refused(const struct given *g)
{
	struct reset_list list;

	CHECK(plan(g, &list) == -EOPNOTSUPP);
	reset_list_free(&list);
}

/* As an embryo has it, the rest follows. */
#define EMBRYO embryo[0], embryo[1], embryo[2]

static void private_pages_get_their_bytes_back(void)
{
	struct given g = {
		.maps = { of(AT, 10, RW, LAYER, 5) },
		.now = { EMBRYO, vma(AT, 10, RW, LAYER_INO, 5) },
		.own = { { AT + 2 * PAGE, AT + 4 * PAGE } },
		.keep = true,
	};

	check_one(&g, AT + 2 * PAGE, 2, LAYER, 7, PLAN_COPY);
	g.keep = false;
	check_one(&g, AT + 2 * PAGE, 2, PLAN_ANONYMOUS, 0, PLAN_DISCARD);
	/* What cannot be written shows again. */
	g.keep = true;
	g.maps[0].prot = g.now[3].prot = PROT_READ;
	check_one(&g, AT + 2 * PAGE, 2, PLAN_ANONYMOUS, 0, PLAN_DISCARD);
	g = (struct given){
		.maps = { of(AT, 10, RW, PLAN_ANONYMOUS, 0) },
		.now = { EMBRYO, vma(AT, 10, RW, 0, 0) },
		.own = { { AT + 2 * PAGE, AT + 4 * PAGE } },
		.keep = true,
	};
	check_one(&g, AT + 2 * PAGE, 2, PLAN_ANONYMOUS, 0, PLAN_COPY);
	g.own[0].end = 0;
	check_none(&g);
}

static void mappings_come_back(void)
{
	struct given g = { .maps = { of(AT, 100, RW, LAYER, 0) }, .now = { EMBRYO } };

	check_one(&g, AT, 100, LAYER, 0, 0);
	g.now[3] = vma(AT, 40, RW, LAYER_INO, 0);
	g.now[4] = vma(AT + 60 * PAGE, 40, RW, LAYER_INO, 60);
	check_one(&g, AT + 40 * PAGE, 20, LAYER, 40, 0);
	g.now[4] = vma(AT + 40 * PAGE, 60, RW, LAYER_INO, 41);
	check_one(&g, AT + 40 * PAGE, 60, LAYER, 40, 0);
	g.now[4] = vma(AT + 40 * PAGE, 60, RX, LAYER_INO, 40);
	check_one(&g, AT + 40 * PAGE, 60, LAYER, 40, 0);
	g.now[4] = vma(AT + 40 * PAGE, 60, RW, 0, 0);
	check_one(&g, AT + 40 * PAGE, 60, LAYER, 40, 0);
	g.maps[0] = of(AT, 40, RW, LAYER, 0);
	check_one(&g, AT + 40 * PAGE, 60, PLAN_ANONYMOUS, 0, PLAN_UNMAP);
	/* A few pages of another file are written over, whatever they show. */
	g.maps[0] = of(AT, 4, RW, LAYER, 9);
	g.now[3] = vma(AT, 4, RW, IMAGE_INO, 0);
	g.now[4] = (struct vma){ 0 };
	check_one(&g, AT, 4, LAYER, 9, PLAN_COPY);
	g.now[3].shared = true;
	check_refused(&g);
}

static void the_scratch_region_does_not_matter(void)
{
	struct given g = {
		.now = { embryo[0], embryo[1], vma(UC_SCRATCH_BASE, 3, RW, 0, 0), embryo[2] },
		.own = { { UC_SCRATCH_BASE, UC_SCRATCH_BASE + PAGE } },
	};

	check_none(&g);
}

static void text_has_to_be_that_of_an_embryo(void)
{
	struct given g = { .now = { EMBRYO } };

	check_none(&g);
	g.own[0] = (struct page_run){ UC_LIBOS_BASE, UC_LIBOS_BASE + PAGE };
	check_refused(&g);
	g.own[0] = (struct page_run){ 0 };
	g.now[0].prot = RW | PROT_EXEC;
	check_refused(&g);
	g.now[0] = vma(UC_LIBOS_BASE, 1, RX, LIBOS_INO, 1);
	check_refused(&g);
	g.now[0] = vma(UC_LIBOS_BASE, 1, RX, 0, 0);
	check_refused(&g);
	g.now[0] = embryo[0];
	g.maps[0] = of(UC_LIBOS_BASE, 1, RX, LAYER, 0);
	check_refused(&g);
	g = (struct given){ .now = { embryo[1], embryo[2] } };
	check_refused(&g);
}

static void data_of_the_library_os_comes_back(void)
{
	struct given g = {
		.now = { EMBRYO },
		.own = { { UC_LIBOS_BASE + PAGE, UC_LIBOS_BASE + 2 * PAGE } },
		.keep = true,
	};

	check_one(&g, UC_LIBOS_BASE + PAGE, 1, PLAN_ANONYMOUS, 0, PLAN_DISCARD);
	g.maps[0] = of(UC_LIBOS_BASE + PAGE, 1, RW, LAYER, 3);
	check_one(&g, UC_LIBOS_BASE + PAGE, 1, LAYER, 3, PLAN_COPY);
	g.now[1] = vma(UC_LIBOS_BASE + PAGE, 1, RX, 0, 0);
	check_one(&g, UC_LIBOS_BASE + PAGE, 1, LAYER, 3, 0);
	g.maps[0] = (struct plan_map){ 0 };
	check_refused(&g);
}

static void the_vdso_has_to_be_the_hosts(void)
{
	struct given g = { .now = { EMBRYO } };

	g.own[0] = (struct page_run){ UC_VDSO_BASE, UC_VDSO_BASE + PAGE };
	check_refused(&g);
	g.own[0] = (struct page_run){ 0 };
	g.now[2].vdso = false;
	check_refused(&g);
	g.now[2] = (struct vma){ 0 };
	check_refused(&g);
	g.now[2] = embryo[2];
	g.now[2].start += PAGE;
	g.now[2].end += PAGE;
	check_refused(&g);
}

int main(void)
{
	RUN(private_pages_get_their_bytes_back);
	RUN(mappings_come_back);
	RUN(the_scratch_region_does_not_matter);
	RUN(text_has_to_be_that_of_an_embryo);
	RUN(data_of_the_library_os_comes_back);
	RUN(the_vdso_has_to_be_the_hosts);
	return 0;
}
