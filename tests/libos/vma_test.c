/*
 * mm/ under random calls against a model that is an array of pages. The host is real: the mappings
 * are made in this process, so that protection and contents are compared, too.
 */
#define _GNU_SOURCE
#include "shim.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define check check_mprotect
#include "../../libos/mm/mprotect.c"
#undef check
#define check check_mremap
#include "../../libos/mm/mremap.c"
#undef check
#include "../../libos/mm/backing.c"
#include "../../libos/mm/brk.c"
#include "../../libos/mm/kpages.c"
#include "../../libos/mm/madvise.c"
#include "../../libos/mm/mmap.c"
#include "../../libos/mm/munmap.c"
#include "../../libos/mm/region.c"
#include "../../libos/mm/shared.c"
#include "../../libos/mm/vma.c"
#include "../../libos/mm/vma_tree.c"

#define PAGES 2048u
#define BASE UC_ARENA_BASE
#define ROUNDS 30000
#define SANITIZER 0x7fff0000ul /* its own memory begins somewhere above */

/* ---- the library OS's surroundings ---------------------------------------------------- */

void *kmalloc(size_t bytes)
{
	return malloc(bytes);
}

void *kzalloc(size_t bytes)
{
	return calloc(1, bytes);
}

void kfree(void *p)
{
	free(p);
}

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	CHECK(f->refs-- > 1);
}

struct file *fd_get(int fd)
{
	(void)fd;
	return NULL;
}

static long result(long r)
{
	return r < 0 ? -errno : r;
}

long host_mmap(u64 addr, u64 bytes, int prot, int flags, int fd, u64 offset)
{
	CHECK(flags == MAP_NORESERVE && fd == -1);
	if (addr >= SANITIZER)
		return -ENOMEM;
	return result((long)mmap((void *)addr, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
				 -1, (off_t)offset));
}

long host_munmap(u64 addr, u64 bytes)
{
	return addr >= SANITIZER ? 0 : result(munmap((void *)addr, bytes));
}

long host_mprotect(u64 addr, u64 bytes, int prot)
{
	return result(mprotect((void *)addr, bytes, prot));
}

long host_mremap(u64 old_addr, u64 old_bytes, u64 new_bytes, u64 new_addr)
{
	return result((long)mremap((void *)old_addr, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				   (void *)new_addr));
}

long host_madvise(u64 addr, u64 bytes, int advice)
{
	return result(madvise((void *)addr, bytes, advice));
}

/* A file whose page n begins with the bytes of file_word(n). */
static u64 file_word(u64 offset)
{
	return 0xf11e000000000000ull | offset;
}

static long file_mmap(struct file *f, struct vma *v)
{
	(void)f;
	if (host_mmap(v->start, v->end - v->start, PROT_READ | PROT_WRITE, MAP_NORESERVE, -1, 0) < 0)
		return -ENOMEM;
	for (u64 at = v->start; at < v->end; at += PAGE_SIZE)
		*(u64 *)at = file_word(v->offset + (at - v->start));
	host_mprotect(v->start, v->end - v->start, v->prot);
	return (long)v->start;
}

static const struct file_ops file_ops = { .mmap = file_mmap };
static struct file file = { .ops = &file_ops, .refs = 1, .flags = O_RDONLY };

/* ---- the model --------------------------------------------------------------------------- */

enum kind { HOLE, ANONYMOUS, FILED, KERNEL };

static struct page {
	enum kind kind;
	u32 prot;
	u64 offset; /* of FILED */
	u64 word;   /* first word of the page */
} model[PAGES];

static const u32 prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };

static u64 address(u32 page)
{
	return BASE + page * PAGE_SIZE;
}

static u32 random_prot(void)
{
	return prots[random_below(ARRAY_SIZE(prots))];
}

static void random_range(u32 *first, u32 *count)
{
	*count = 1 + random_below(random_below(8) ? 6 : 40);
	*first = random_below(PAGES - *count);
}

static u32 lowest_hole(u32 count)
{
	u32 run = 0;

	for (u32 i = 0; i < PAGES; i++) {
		run = model[i].kind == HOLE ? run + 1 : 0;
		if (run == count)
			return i + 1 - count;
	}
	return PAGES - count; /* where the checks will fail */
}

static bool any(u32 first, u32 count, enum kind kind)
{
	for (u32 i = first; i < first + count; i++)
		if (model[i].kind == kind)
			return true;
	return false;
}

static bool is_guest(const struct page *p)
{
	return p->kind == ANONYMOUS || p->kind == FILED;
}

/* Whether two pages in a row belong to one VMA. */
static bool continues(const struct page *p)
{
	return p[0].kind == p[1].kind && p[0].prot == p[1].prot &&
	       (p[0].kind != FILED || p[0].offset + PAGE_SIZE == p[1].offset);
}

static bool uniform(u32 first, u32 count)
{
	for (u32 i = first; i + 1 < first + count; i++)
		if (!continues(&model[i]))
			return false;
	return is_guest(&model[first]);
}

static void model_map(u32 first, u32 count, enum kind kind, u32 prot, u64 offset)
{
	for (u32 i = 0; i < count; i++) {
		struct page *p = &model[first + i];

		*p = (struct page){ .kind = kind, .prot = prot };
		if (kind == FILED) {
			p->offset = offset + i * PAGE_SIZE;
			p->word = file_word(p->offset);
		}
	}
}

/* ---- comparison ------------------------------------------------------------------------- */

static int check_node(const struct vma *v, u64 *gap)
{
	u64 left_gap = 0, right_gap = 0;
	int left, right;

	if (!v) {
		*gap = 0;
		return 0;
	}
	CHECK(!v->left || (v->left->parent == v && v->left->start < v->start));
	CHECK(!v->right || (v->right->parent == v && v->right->start > v->start));
	left = check_node(v->left, &left_gap);
	right = check_node(v->right, &right_gap);
	CHECK(abs(left - right) <= 1);
	*gap = MAX(v->start - hole_start(v), MAX(left_gap, right_gap));
	CHECK(v->gap_max == *gap);
	CHECK(v->height == 1 + MAX(left, right));
	return v->height;
}

static void check_vmas(void)
{
	u64 gap, writable = 0, refs = 1;
	const struct vma *last = NULL;
	u32 page = 0;

	check_node(root, &gap);
	list_for_each(n, &vma_list) {
		const struct vma *v = list_entry(n, struct vma, node);

		CHECK(v->start < v->end && !((v->start | v->end) & ~PAGE_MASK));
		CHECK(!last || (last->end <= v->start && !joinable(last, v)));
		for (; address(page) < v->start; page++)
			CHECK(model[page].kind == HOLE);
		for (; address(page) < v->end; page++) {
			const struct page *p = &model[page];

			CHECK(p->kind == (v->flags & VMA_KERNEL ? KERNEL : v->file ? FILED : ANONYMOUS));
			CHECK(p->prot == v->prot);
			CHECK(p->kind != FILED || p->offset == v->offset + (address(page) - v->start));
		}
		writable += counted_bytes(v);
		refs += v->file != NULL;
		last = v;
	}
	for (; page < PAGES; page++)
		CHECK(model[page].kind == HOLE);
	CHECK(writable == mm_resident_estimate());
	CHECK(refs == file.refs);
}

static void check_contents(void)
{
	for (u32 i = 0; i < PAGES; i++) {
		unsigned char resident;

		/* ENOMEM exactly where the host has nothing mapped. */
		CHECK((mincore((void *)address(i), PAGE_SIZE, &resident) == 0) == (model[i].kind != HOLE));
		if (model[i].prot & PROT_READ)
			CHECK(*(u64 *)address(i) == model[i].word);
	}
}

/* ---- the calls ------------------------------------------------------------------------------ */

static void do_mmap(void)
{
	u32 count = 1 + random_below(12), prot = random_prot(), first = lowest_hole(count);
	bool filed = !random_below(4);
	u64 offset = filed ? random_below(50) * PAGE_SIZE : 0;
	long addr = mm_mmap(random_below(2) * 0x12345000ul, count * PAGE_SIZE - random_below(4096), (int)prot,
			    MAP_PRIVATE | (filed ? 0 : MAP_ANONYMOUS), filed ? &file : NULL, offset);

	CHECK(addr == (long)address(first));
	model_map(first, count, filed ? FILED : ANONYMOUS, prot, offset);
}

static void do_mmap_fixed(void)
{
	u32 first, count, prot = random_prot();
	bool noreplace = random_below(2);
	long addr;

	random_range(&first, &count);
	addr = mm_mmap(address(first), count * PAGE_SIZE, (int)prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | (noreplace ? MAP_FIXED_NOREPLACE : MAP_FIXED), NULL, 0);
	if (any(first, count, KERNEL)) {
		CHECK(addr == -ENOMEM);
	} else if (noreplace && (any(first, count, ANONYMOUS) || any(first, count, FILED))) {
		CHECK(addr == -EEXIST);
	} else {
		CHECK(addr == (long)address(first));
		model_map(first, count, ANONYMOUS, prot, 0);
	}
}

static void unmap(u32 first, u32 count)
{
	CHECK(!mm_munmap(address(first), count * PAGE_SIZE));
	for (u32 i = first; i < first + count; i++)
		if (is_guest(&model[i]))
			model_map(i, 1, HOLE, 0, 0);
}

static void do_munmap(void)
{
	u32 first, count;

	random_range(&first, &count);
	unmap(first, count);
}

static void do_mprotect(void)
{
	u32 first, count, prot = random_prot(), i;
	long ret;

	random_range(&first, &count);
	ret = mm_mprotect(address(first), count * PAGE_SIZE, (int)prot);
	for (i = first; i < first + count && is_guest(&model[i]); i++)
		model[i].prot = prot;
	CHECK(ret == (i == first + count ? 0 : -ENOMEM));
}

static void do_dontneed(void)
{
	u32 first, count;
	const u64 a[6] = { 0, 0, MADV_DONTNEED };
	u64 args[6];
	long ret;
	bool hole = false;

	random_range(&first, &count);
	memcpy(args, a, sizeof args);
	args[0] = address(first);
	args[1] = count * PAGE_SIZE;
	ret = sys_madvise(args);
	for (u32 i = first; i < first + count; i++) {
		hole |= !is_guest(&model[i]);
		if (is_guest(&model[i]))
			model[i].word = model[i].kind == FILED ? file_word(model[i].offset) : 0;
	}
	CHECK(ret == (hole ? -ENOMEM : 0));
}

/* What the model says after old went to first: grown pages continue the last one. */
static void model_move(u32 old, u32 old_count, u32 first, u32 count)
{
	struct page pages[64];

	memcpy(pages, &model[old], old_count * sizeof *pages);
	model_map(old, old_count, HOLE, 0, 0);
	model_map(first, count, pages[0].kind, pages[0].prot, pages[0].offset);
	memcpy(&model[first], pages, MIN(old_count, count) * sizeof *pages);
}

static u32 free_above(u32 page)
{
	u32 n = 0;

	while (page + n < PAGES && model[page + n].kind == HOLE)
		n++;
	return n;
}

static void do_mremap(void)
{
	u32 old, old_count, count = 1 + random_below(40), target = PAGES / 2 + random_below(PAGES / 2 - 64);
	int mode = (int)random_below(3), flags = mode == 0 ? 0 : mode == 1 ? MREMAP_MAYMOVE : MREMAP_MAYMOVE | MREMAP_FIXED;
	long ret, want;

	random_range(&old, &old_count);
	u64 a[6] = { address(old), old_count * PAGE_SIZE, count * PAGE_SIZE, (u64)flags, address(target) };
	bool ends_vma = !continues(&model[old + old_count - 1]);
	u32 hole = 0;

	if (uniform(old, old_count) && count > old_count)
		hole = lowest_hole(count);
	ret = sys_mremap(a);
	bool overlap = target < old + old_count && old < target + count;
	if (mode == 2 && (overlap || any(target, count, KERNEL))) {
		CHECK(ret == -EINVAL);
		return;
	}
	if (!uniform(old, old_count)) {
		CHECK(ret == -EFAULT);
		return;
	}
	if (mode == 2) {
		want = (long)address(target);
		if (count < old_count)
			model_map(old + count, old_count - count, HOLE, 0, 0);
		model_move(old, MIN(old_count, count), target, count);
	} else if (count <= old_count) {
		want = (long)address(old);
		model_map(old + count, old_count - count, HOLE, 0, 0);
	} else if (ends_vma && free_above(old + old_count) >= count - old_count) {
		want = (long)address(old);
		model_move(old, old_count, old, count);
	} else if (mode == 0) {
		want = -ENOMEM;
	} else {
		want = (long)address(hole);
		model_move(old, old_count, hole, count);
	}
	CHECK(ret == want);
}

static struct {
	void *p;
	u32 count;
} blocks[16];

static void do_kpages(void)
{
	u32 i = random_below(ARRAY_SIZE(blocks)), first;

	if (blocks[i].p) {
		kpages_free(blocks[i].p, blocks[i].count * PAGE_SIZE);
		model_map((u32)(((u64)blocks[i].p - BASE) / PAGE_SIZE), blocks[i].count, HOLE, 0, 0);
		blocks[i].p = NULL;
		return;
	}
	blocks[i].count = 1 + random_below(4);
	first = lowest_hole(blocks[i].count);
	blocks[i].p = kpages_alloc(blocks[i].count * PAGE_SIZE);
	CHECK(blocks[i].p == (void *)address(first));
	model_map(first, blocks[i].count, KERNEL, PROT_READ | PROT_WRITE, 0);
}

static void do_write(void)
{
	for (int tries = 0; tries < 20; tries++) {
		u32 i = random_below(PAGES);

		if (model[i].prot & PROT_WRITE) {
			model[i].word = 1 + random_below(1000000);
			*(u64 *)address(i) = model[i].word;
		}
	}
}

/* ---- single promises ------------------------------------------------------------------------- */

static void check_refusals(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	CHECK(mm_mmap(0, 0, 0, flags, NULL, 0) == -EINVAL);
	CHECK(mm_mmap(0, PAGE_SIZE, 0, MAP_ANONYMOUS, NULL, 0) == -EINVAL);
	CHECK(mm_mmap(0, ~0ul, 0, flags, NULL, 0) == -ENOMEM);
	CHECK(mm_mmap(BASE + 1, PAGE_SIZE, 0, flags | MAP_FIXED, NULL, 0) == -EINVAL);
	CHECK(mm_mmap(0, PAGE_SIZE, 0, flags | MAP_FIXED, NULL, 0) == -EPERM);
	CHECK(mm_mmap(UC_LIBOS_BASE, PAGE_SIZE, 0, flags | MAP_FIXED, NULL, 0) == -ENOMEM);
	CHECK(mm_mmap(UC_LIBOS_BASE - PAGE_SIZE, 2 * PAGE_SIZE, 0, flags | MAP_FIXED, NULL, 0) == -ENOMEM);
	CHECK(mm_mmap(UC_IMAGE_BASE, PAGE_SIZE, 0, flags | MAP_FIXED, NULL, 0) == -ENOMEM);
	CHECK(mm_mmap(0, PAGE_SIZE, PROT_WRITE, MAP_SHARED, &file, 0) == -EACCES);
	CHECK(mm_mmap(0, PAGE_SIZE, 0, MAP_PRIVATE, &file, ~PAGE_MASK + 1) >= 0); /* page 1 */
	CHECK(!mm_munmap(BASE, PAGE_SIZE));
	CHECK(mm_munmap(UC_LIBOS_BASE, PAGE_SIZE) == -EINVAL && mm_munmap(BASE, 0) == -EINVAL);
	CHECK(mm_mprotect(UC_LIBOS_BASE, PAGE_SIZE, PROT_READ) == -ENOMEM);
	CHECK(mm_mprotect(BASE, PAGE_SIZE, 0x100) == -EINVAL && mm_mprotect(BASE, 0, 0) == 0);
}

static void check_giant(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	long giant = mm_mmap(0, UC_GIANT_MIN, PROT_NONE, flags, NULL, 0);

	CHECK(giant == -ENOMEM); /* the sanitizer's address, see host_mmap */
	CHECK(mm_pick_address(UC_GIANT_MIN, PAGE_SIZE, false) >= UC_GIANT_BASE);
	CHECK(mm_pick_address(PAGE_SIZE, 1ul << 21, false) % (1ul << 21) == 0);
	CHECK(mm_pick_address(PAGE_SIZE, PAGE_SIZE, true) < BELOW_2G);
}

/* A page of a snapshot's layer must not come back after MADV_DONTNEED, whatever the size. */
static void check_layer(u32 count)
{
	int layer = memfd_create("layer", 0);
	u64 bytes = count * PAGE_SIZE;
	u8 *p = (u8 *)mm_mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	const u64 a[6] = { (u64)p, bytes, MADV_DONTNEED };

	CHECK(layer >= 0 && !ftruncate(layer, (off_t)bytes) && pwrite(layer, "layer", 5, 0) == 5);
	CHECK(mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, layer, 0) == p && p[0] == 'l');
	CHECK(!sys_madvise(a) && p[0] == 0);
	CHECK(!mm_munmap((u64)p, bytes));
	close(layer);
}

/* A VMA behind which the host has several mappings moves all the same. */
static void check_patchwork_move(void)
{
	int layer = memfd_create("layer", 0);
	u8 *p = (u8 *)mm_mmap(0, 9 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), *q;
	const u64 a[6] = { (u64)p, 8 * PAGE_SIZE, 16 * PAGE_SIZE, MREMAP_MAYMOVE };

	CHECK(layer >= 0 && !ftruncate(layer, 16 * PAGE_SIZE) && pwrite(layer, "layer", 5, PAGE_SIZE) == 5);
	CHECK(pwrite(layer, "beyond", 6, 8 * PAGE_SIZE) == 6);
	for (u64 i = 1; i < 8; i += 3)
		CHECK(mmap(p + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, layer,
			   i == 7 ? 7 * PAGE_SIZE : PAGE_SIZE) != MAP_FAILED);
	p[2 * PAGE_SIZE] = 2;
	q = (u8 *)sys_mremap(a);
	CHECK((long)q > 0 && q != p);
	CHECK(q[PAGE_SIZE] == 'l' && q[4 * PAGE_SIZE] == 'l' && q[2 * PAGE_SIZE] == 2 && !q[8 * PAGE_SIZE]);
	CHECK(!mm_munmap((u64)q, 16 * PAGE_SIZE) && !mm_munmap((u64)p, 9 * PAGE_SIZE));
	close(layer);
}

static void check_limit(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	long p;

	mm_set_limit(1);
	CHECK(mm_mmap(0, (1ul << 30) + PAGE_SIZE, PROT_READ | PROT_WRITE, flags, NULL, 0) == -ENOMEM);
	p = mm_mmap(0, (1ul << 30) - PAGE_SIZE, PROT_NONE, flags, NULL, 0);
	CHECK(p > 0 && !mm_mprotect((u64)p, (1ul << 30) - PAGE_SIZE, PROT_READ | PROT_WRITE));
	CHECK(mm_mmap(0, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, NULL, 0) == -ENOMEM && !kpages_alloc(4 * PAGE_SIZE));
	CHECK(!mm_munmap((u64)p, (1ul << 30) - PAGE_SIZE));
	mm_set_limit(0);
}

static void check_brk(void)
{
	u64 start = 0x10000000;

	/* Memory of the program's right below does not become heap. */
	CHECK(mm_mmap(start - PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		      NULL, 0) > 0);
	mm_set_brk_start(start - 5);
	CHECK(mm_brk(0) == (long)start);
	CHECK(mm_brk(start + 10000) == (long)start + 10000);
	memset((void *)start, 1, 10000);
	CHECK(mm_brk(start + 100) == (long)start + 100);
	CHECK(mm_brk(start + 10000) == (long)start + 10000);
	CHECK(*(u8 *)start == 1 && *(u8 *)(start + PAGE_SIZE) == 0);
	CHECK(!strcmp(vma_find(start)->name, "[heap]") && vma_find(start)->start == start &&
	      vma_find(start)->end == start + 3 * PAGE_SIZE);
	CHECK(!vma_find(start - 1)->name && !mm_munmap(start - PAGE_SIZE, PAGE_SIZE));
	CHECK(mm_brk(UC_LIBOS_BASE + PAGE_SIZE) == (long)start + 10000 && mm_brk(start - 1) == (long)start + 10000);
	CHECK(mm_brk(start) == (long)start && list_empty(&vma_list));
}

static void check_random(void)
{
	static void (*const calls[])(void) = { do_mmap,	    do_mmap_fixed, do_munmap, do_munmap, do_mprotect,
					       do_mprotect, do_dontneed,   do_mremap, do_kpages, do_write };

	for (u32 i = 0; i < ROUNDS; i++) {
		calls[random_below(ARRAY_SIZE(calls))]();
		if (free_above(PAGES - 64) < 64) /* the model must not run full */
			unmap(random_below(PAGES / 2), PAGES / 2);
		check_vmas();
		if (i % 16 == 0)
			check_contents();
	}
}

int main(void)
{
	mm_init(0);
	check_refusals();
	check_giant();
	check_layer(1);
	check_layer(8);
	check_patchwork_move();
	check_limit();
	check_brk();
	CHECK(list_empty(&vma_list));
	check_random();
	puts("ok vma");
	return 0;
}
