/*
 * mm/ under random calls against a model that is an array of pages: the VMAs, the host's protection and the
 * contents are compared.
 */
#include "mm_host.h"

#define PAGES 2048u
#define ROUNDS 30000

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
	int mode = (int)random_below(3), flags = mode == 0   ? 0
						 : mode == 1 ? MREMAP_MAYMOVE
							     : MREMAP_MAYMOVE | MREMAP_FIXED;
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

static void check_random(void)
{
	static void (*const calls[])(void) = { do_mmap,     do_mmap_fixed, do_munmap, do_munmap, do_mprotect,
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
	check_random();
	puts("ok vma");
	return 0;
}
