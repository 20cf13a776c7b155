/*
 * The parts of the tender that compute, but for those with a test of their own: memory maps, pages and
 * differences of both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tender/base/base.h"
#include "../../tender/base/optimisations.h"
#include "../../tender/memory/image.h"
#include "../../tender/memory/layer.h"
#include "../../tender/memory/pages.h"
#include "../../tender/memory/map_difference.h"
#include "../../tender/memory/snapshot.h"
#include "../../tender/plan/page_changes.h"
#include "../../tender/plan/plan.h"
#include "../../tender/process/maps.h"
#include "../../tender/process/page_copy.h"
#include "../../tender/process/pagemap.h"
#include "../../tender/process/unchanged.h"
#include "mappings.h"

static void maps_are_parsed(void)
{
	static const char text[] =
		"18000000-18020000 r-xp 00001000 00:01 4711                    "
		"           /memfd:x y (deleted)\n"
		"20000000-20001000 rw-p 00000000 00:00 0 \n"
		"7f0000000000-7f0000001000 ---s 00003000 fe:1f 9                          /a\\012b\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
	struct vma_list list = { 0 };

	CHECK(maps_parse(text, &list) == 0);
	CHECK(list.count == 4);
	CHECK(list.items[0].start == 0x18000000 && list.items[0].end == 0x18020000);
	CHECK(list.items[0].prot == (PROT_READ | PROT_EXEC) && !list.items[0].shared);
	CHECK(list.items[0].offset == 0x1000 && list.items[0].file.ino == 4711 &&
	      list.items[0].file.minor == 1);
	CHECK(list.items[1].file.ino == 0 && list.items[1].prot == (PROT_READ | PROT_WRITE));
	CHECK(list.items[2].shared && list.items[2].file.major == 0xfe && list.items[2].file.minor == 0x1f);
	CHECK(list.items[3].start == 0xffffffffff600000);
	CHECK(vma_list_find(&list, 0x20000fff) == &list.items[1]);
	CHECK(vma_list_find(&list, 0x20001000) == NULL);
	vma_list_free(&list);
}

static void bad_maps_are_refused(void)
{
	static const char *const texts[] = {
		"x",
		"18000000",
		"18000000-1900000",
		"1-2 r-xp",
		"1-2 r-xp 0 0:0",
		"1-2 r-xp 0 0:0 x",
		"-1-2 r-xp 0 0:0 0",
		"1-2  r-xp 0 0:0 0",
		"1-2 rw 0 0:0 0",
		"1-99999999999999999999 r-xp 0 0:0 0",
		"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct vma_list list = { 0 };

		CHECK(maps_parse(texts[i], &list) == -EINVAL);
		vma_list_free(&list);
	}
}

/* ---- differences of pages ---- */

#define DELTA_PAGES 8

static void change(uint64_t page[PAGE_WORDS], unsigned kind)
{
	switch (kind) {
	case 0:
		page[0]++;
		break;
	case 1:
		page[PAGE_WORDS - 1]++;
		break;
	case 2:
		break;
	case 3:
		for (unsigned i = 0; i < PAGE_WORDS; i++)
			page[i] = ~page[i];
		break;
	case 4:
		/* So many runs that the whole page is shorter. */
		for (unsigned i = 0; i < PAGE_WORDS; i += 2)
			page[i] += i + 1;
		for (unsigned i = 1; i < PAGE_WORDS; i += 4)
			page[i] += 1;
		break;
	case 5:
		for (unsigned i = 0; i < PAGE_WORDS; i += 3)
			page[i] = 0;
		break;
	case 6:
		for (unsigned i = 100; i < 400; i++)
			page[i] *= 3;
		break;
	default:
		memset(page, 0, PAGE);
		break;
	}
}

static void differences_of_pages_make_them_again(void)
{
	static uint64_t base[DELTA_PAGES][PAGE_WORDS], now[DELTA_PAGES][PAGE_WORDS];
	struct page_changes d = { 0 };

	for (unsigned i = 0; i < DELTA_PAGES; i++) {
		for (unsigned w = 0; w < PAGE_WORDS; w++)
			base[i][w] = now[i][w] = (i + 1) * 0x9e3779b97f4a7c15ull * (w + 1);
		change(now[i], i);
		page_changes_add(&d, i * PAGE, 0, base[i], now[i]);
	}
	CHECK(d.pages == DELTA_PAGES - 1);
	CHECK(d.bytes <= DELTA_PAGES * (PAGE + sizeof(struct plan_change) + sizeof(struct plan_run)));
	page_changes_apply(d.data, d.bytes, base[0]);
	CHECK(!memcmp(base, now, sizeof base));
	page_changes_free(&d);
}

static void a_word_of_difference_takes_few_bytes(void)
{
	static uint64_t base[PAGE_WORDS], now[PAGE_WORDS];
	struct plan_change change;
	struct page_changes d = { 0 };

	now[7] = 1;
	page_changes_add(&d, UC_GUEST_END - PAGE, PLAN_CHANGE_PROTECTED | PROT_READ, base, now);
	CHECK(d.pages == 1 && d.bytes == sizeof change + sizeof(struct plan_run) + 8);
	memcpy(&change, d.data, sizeof change);
	CHECK((uint64_t)change.page * PAGE == UC_GUEST_END - PAGE && change.runs == 1);
	CHECK(change.access == (PLAN_CHANGE_PROTECTED | PROT_READ));
	page_changes_free(&d);
}

static void runs_are_joined(void)
{
	struct page_run in_a[] = { { PAGE, 2 * PAGE }, { 4 * PAGE, 6 * PAGE }, { 9 * PAGE, 10 * PAGE } };
	struct page_run in_b[] = { { 2 * PAGE, 3 * PAGE }, { 5 * PAGE, 8 * PAGE } };
	struct page_runs a = { in_a, 3, 3 }, b = { in_b, 2, 2 }, out = { 0 };

	page_runs_join(&a, &b, &out);
	CHECK(out.count == 3);
	CHECK(out.items[0].start == PAGE && out.items[0].end == 3 * PAGE);
	CHECK(out.items[1].start == 4 * PAGE && out.items[1].end == 8 * PAGE);
	CHECK(out.items[2].start == 9 * PAGE && out.items[2].end == 10 * PAGE);
	page_runs_free(&out);
}

static struct page_buffer buffer;

static void pages_equal_to_their_backing_are_dropped(void)
{
	static char data[3 * PAGE];
	int fd = memfd_create("backing", 0);
	uint64_t file, zero;
	struct vma vmas[2];
	struct vma_list list = { vmas, 2, 2 };
	struct page_run *items = calloc(2, sizeof *items);
	struct page_runs own = { items, 2, 2 };
	struct backing backing = { .file = { 0, 7, LAYER_INO }, .fd = fd };

	memset(data, 'x', sizeof data);
	CHECK(write(fd, data, sizeof data) == sizeof data);
	zero = (uint64_t)mmap((void *)0x30000000, 3 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	file = (uint64_t)mmap((void *)0x30010000, 3 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
	memset((void *)zero, 0, 3 * PAGE);
	((char *)zero)[PAGE] = 1;
	memset((void *)file, 'x', 3 * PAGE);
	((char *)file)[3 * PAGE - 1] = 'y';
	vmas[0] = vma(zero, 3, PROT_READ | PROT_WRITE, 0, 0);
	vmas[1] = vma(file, 3, PROT_READ | PROT_WRITE, LAYER_INO, 0);
	items[0] = (struct page_run){ zero, zero + 3 * PAGE };
	items[1] = (struct page_run){ file, file + 3 * PAGE };
	CHECK(unchanged_drop(getpid(), &list, &backing, 1, &own, &buffer) == 0);
	CHECK(own.count == 2);
	CHECK(own.items[0].start == zero + PAGE && own.items[0].end == zero + 2 * PAGE);
	CHECK(own.items[1].start == file + 2 * PAGE && own.items[1].end == file + 3 * PAGE);
	CHECK(buffer.count == 2 && buffer.addrs[0] == zero + PAGE && buffer.addrs[1] == file + 2 * PAGE);
	CHECK(!memcmp(buffer.pages[0], (void *)(zero + PAGE), PAGE) &&
	      !memcmp(buffer.pages[1], (void *)(file + 2 * PAGE), PAGE));

	/*
	 * The same by a view of the file, of which the last page is not seen; and a page may forbid itself to
	 * be read.
	 */
	own.items[0] = (struct page_run){ file, file + 3 * PAGE };
	own.count = 1;
	backing.view = data;
	backing.bytes = 2 * PAGE;
	CHECK(mprotect((void *)file, PAGE, PROT_NONE) == 0);
	CHECK(unchanged_drop(getpid(), &list, &backing, 1, &own, &buffer) == 0);
	CHECK(own.count == 1 && own.items[0].start == file + 2 * PAGE && buffer.count == 1);
	CHECK(mprotect((void *)file, PAGE, PROT_READ | PROT_WRITE) == 0);

	/* A file that is not known may hold anything. */
	own.items[0] = (struct page_run){ file, file + PAGE };
	own.count = 1;
	CHECK(unchanged_drop(getpid(), &list, &backing, 0, &own, &buffer) == 0);
	CHECK(own.count == 1);
	page_runs_free(&own);
	munmap((void *)zero, 3 * PAGE);
	munmap((void *)file, 3 * PAGE);
	close(fd);
}

static void pages_are_copied_from_store_and_process(void)
{
	enum { PAGES = 600 };
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uint64_t)memory;
	struct layout_copy runs[] = {
		{ at, at + 300 * PAGE, 0 },
		{ at + 301 * PAGE, at + 302 * PAGE, 300 * PAGE },
		{ at + 400 * PAGE, at + PAGES * PAGE, 500 * PAGE },
	};
	int fd = memfd_create("copy", 0);
	char page[PAGE];

	CHECK(memory != MAP_FAILED);
	for (uint64_t i = 0; i < PAGES; i++)
		memcpy(memory + i * PAGE, &i, sizeof i);
	/* Every third page is in the store, under other contents, so that it shows where a page came from. */
	buffer.count = 0;
	for (uint64_t i = 0; i < PAGES; i += 3) {
		memset(buffer.pages[buffer.count], 's', PAGE);
		buffer.addrs[buffer.count++] = at + i * PAGE;
	}
	CHECK(page_copy(getpid(), runs, 3, &buffer, fd) == 0);
	for (unsigned r = 0; r < 3; r++)
		for (uint64_t a = runs[r].start; a < runs[r].end; a += PAGE) {
			uint64_t i = (a - at) / PAGE;

			CHECK(pread(fd, page, PAGE, (off_t)(runs[r].offset + (a - runs[r].start))) ==
			      (ssize_t)PAGE);
			CHECK(i % 3 ? !memcmp(page, &i, sizeof i) : page[0] == 's' && page[PAGE - 1] == 's');
		}
	munmap(memory, PAGES * PAGE);
	close(fd);
}

static void a_process_reads_its_own_maps(void)
{
	struct vma_list list = { 0 };
	struct vma one;
	char *page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct vma *found;

	CHECK(page != MAP_FAILED && mprotect(page + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(maps_read(getpid(), &list) == 0);
	found = vma_list_find(&list, (uint64_t)page + PAGE);
	CHECK(found && found->start == (uint64_t)page + PAGE && found->end == found->start + PAGE);
	CHECK(!found->prot && !found->shared && !found->file.ino);
	for (size_t i = 1; i < list.count; i++)
		CHECK(list.items[i].start >= list.items[i - 1].end);
	CHECK(maps_read_one(getpid(), (uint64_t)&list, &one) == 0 && one.prot == (PROT_READ | PROT_WRITE));
	CHECK(maps_read_one(getpid(), (uint64_t)pages_are_copied_from_store_and_process, &one) == 0);
	CHECK(one.prot == (PROT_READ | PROT_EXEC) && one.file.ino);
	CHECK(maps_read_one(getpid(), 0, &one) == -ENOENT);
	vma_list_free(&list);
	munmap(page, 3 * PAGE);
}

static void written_pages_are_found(void)
{
	struct page_runs runs = { 0 };
	uint64_t at = UC_ARENA_BASE;
	volatile char *page = mmap((void *)at, 6 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	struct vma vma = { .start = at, .end = at + 6 * PAGE };
	struct vma_list vmas = { &vma, 1, 1 };

	CHECK((uint64_t)page == at);
	page[PAGE] = page[2 * PAGE] = 1;
	(void)page[4 * PAGE]; /* the zero page */
	page[5 * PAGE] = 0;
	CHECK(mprotect((void *)(at + 5 * PAGE), PAGE, PROT_NONE) == 0);
	CHECK(pagemap_own_runs(getpid(), &vmas, &runs) == 0);
	CHECK(runs.count == 2);
	CHECK(runs.items[0].start == at + PAGE && runs.items[0].end == at + 3 * PAGE);
	CHECK(runs.items[1].start == at + 5 * PAGE && runs.items[1].end == at + 6 * PAGE);
	page_runs_free(&runs);
	munmap((void *)page, 6 * PAGE);
}

static struct plan_map mapped(uint64_t start, uint64_t pages, uint64_t offset, uint16_t source, uint16_t prot)
{
	return (struct plan_map){
		.start = start, .bytes = pages * PAGE, .offset = offset, .source = source, .prot = prot
	};
}

static void only_other_maps_are_in_a_difference(void)
{
	struct image image;
	struct layer old, own;
	struct layer *of_old[] = { &old }, *of_new[] = { &own, &old };
	struct pages parent_pages = { .layer_count = 1, .layers = of_old };
	struct snapshot parent = { .image_count = 1, .images = { &image } };
	/* The child numbers its layers anew. */
	struct pages child_pages = { .layer_count = 2, .layers = of_new };
	struct snapshot child = { .image_count = 1, .images = { &image } };
	struct plan_map of_parent[] = {
		mapped(1 * PAGE, 8, 0, UC_IMAGE_MAX, PROT_READ | PROT_WRITE),
		mapped(9 * PAGE, 4, 0, 0, PROT_READ),
		mapped(20 * PAGE, 4, 0, PLAN_ANONYMOUS, PROT_READ | PROT_WRITE),
	};
	struct plan_map of_child[] = {
		mapped(1 * PAGE, 3, 0, UC_IMAGE_MAX + 1, PROT_READ | PROT_WRITE),
		mapped(4 * PAGE, 1, 0, UC_IMAGE_MAX, PROT_READ | PROT_WRITE),
		mapped(5 * PAGE, 4, 4 * PAGE, UC_IMAGE_MAX + 1, PROT_READ | PROT_WRITE),
		mapped(9 * PAGE, 4, 0, 0, PROT_READ | PROT_EXEC),
		mapped(20 * PAGE, 6, 0, PLAN_ANONYMOUS, PROT_READ | PROT_WRITE),
	};
	struct mapped_snapshot p = { &parent, &parent_pages, of_parent, 3 },
			       c = { &child, &child_pages, of_child, 5 };
	struct plan_map *difference;

	CHECK(map_difference(&c, &p, &difference) == 3);
	check_map(&difference[0], 4 * PAGE, 1, UC_IMAGE_MAX, 0);
	check_map(&difference[1], 9 * PAGE, 4, 0, 0);
	check_map(&difference[2], 24 * PAGE, 2, PLAN_ANONYMOUS, 0);
	free(difference);
	c.count = 4; /* the parent's anonymous memory is gone */
	CHECK(map_difference(&c, &p, &difference) == -EXDEV);
}

static void optimisations_are_named(void)
{
	uint32_t set = 0;

	CHECK(optimisations_parse("unchanged", &set) && set == OPTIMISATION_UNCHANGED);
	CHECK(optimisations_parse("working-set,templates", &set));
	CHECK(set == (OPTIMISATION_UNCHANGED | OPTIMISATION_WORKING_SET | OPTIMISATION_TEMPLATES));
	CHECK(!optimisations_parse("", &set) && !optimisations_parse("templates,", &set));
	CHECK(!optimisations_parse("template", &set) && !optimisations_parse("templates,nonsense", &set));
}

int main(void)
{
	RUN(optimisations_are_named);
	RUN(maps_are_parsed);
	RUN(bad_maps_are_refused);
	RUN(differences_of_pages_make_them_again);
	RUN(a_word_of_difference_takes_few_bytes);
	RUN(runs_are_joined);
	RUN(pages_equal_to_their_backing_are_dropped);
	RUN(pages_are_copied_from_store_and_process);
	RUN(a_process_reads_its_own_maps);
	RUN(written_pages_are_found);
	RUN(only_other_maps_are_in_a_difference);
	return 0;
}
