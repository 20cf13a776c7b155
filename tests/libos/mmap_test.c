/* Promises of mm/ that the random test does not reach: refusals, snapshot layers, the limit, brk. */
#include "mm_host.h"

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
	u8 *p = (u8 *)mm_mmap(0, 9 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
	   *q;
	const u64 a[6] = { (u64)p, 8 * PAGE_SIZE, 16 * PAGE_SIZE, MREMAP_MAYMOVE };

	CHECK(layer >= 0 && !ftruncate(layer, 16 * PAGE_SIZE) && pwrite(layer, "layer", 5, PAGE_SIZE) == 5);
	CHECK(pwrite(layer, "beyond", 6, 8 * PAGE_SIZE) == 6);
	for (u64 i = 1; i < 8; i += 3)
		CHECK(mmap(p + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
			   layer, i == 7 ? 7 * PAGE_SIZE : PAGE_SIZE) != MAP_FAILED);
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
	const u64 large = (1ul << 30) - PAGE_SIZE;
	long p;

	mm_set_limit(1);
	CHECK(mm_mmap(0, large + 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, NULL, 0) == -ENOMEM);
	CHECK(!kpages_alloc(large + 2 * PAGE_SIZE));
	p = mm_mmap(0, large, PROT_NONE, flags, NULL, 0);
	CHECK(p > 0 && !mm_mprotect((u64)p, large, PROT_READ | PROT_WRITE));
	CHECK(!mm_munmap((u64)p, large));
	mm_set_limit(0);
}

static void check_brk(void)
{
	u64 start = 0x10000000;

	/* Memory of the program's right below does not become heap. */
	CHECK(mm_mmap(start - PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) > 0);
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
	CHECK(mm_brk(UC_LIBOS_BASE + PAGE_SIZE) == (long)start + 10000 &&
	      mm_brk(start - 1) == (long)start + 10000);
	CHECK(mm_brk(start) == (long)start && list_empty(&vma_list));
}

static u8 *shared_pages;

static long window_mmap(struct file *f, struct vma *v)
{
	(void)f;
	return (long)shared_pages + (long)v->offset;
}

/* Each mapping of a file's own pages holds the file, even if two are at one address. */
static void check_windows(void)
{
	static const struct file_ops ops = { .mmap = window_mmap };
	struct file f = { .ops = &ops, .refs = 1, .flags = O_RDWR };
	const int prot = PROT_READ | PROT_WRITE;
	u64 at;

	shared_pages = kpages_alloc(4 * PAGE_SIZE);
	at = (u64)shared_pages;
	CHECK(mm_mmap(0, 4 * PAGE_SIZE, prot, MAP_SHARED, &f, 0) == (long)at && f.refs == 2);
	CHECK(mm_mmap(0, 4 * PAGE_SIZE, prot, MAP_SHARED, &f, 0) == (long)at && f.refs == 3);
	CHECK(mm_mmap(BASE + (1 << 20), PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED, &f, 0) == -ENODEV &&
	      f.refs == 3);
	CHECK(mm_mapped_until(at, at + 5 * PAGE_SIZE) == at + 4 * PAGE_SIZE);
	CHECK(!mm_mprotect(at, 4 * PAGE_SIZE, PROT_READ) &&
	      mm_mprotect(at, 5 * PAGE_SIZE, PROT_READ) == -ENOMEM);
	CHECK(!mm_munmap(at, 4 * PAGE_SIZE) && f.refs == 2);
	CHECK(!mm_munmap(at, PAGE_SIZE) && !mm_munmap(at + 3 * PAGE_SIZE, PAGE_SIZE) && f.refs == 2);
	CHECK(!shared_end(at) && shared_end(at + PAGE_SIZE) == at + 3 * PAGE_SIZE && shared_pages[0] == 0);
	CHECK(!mm_munmap(at + PAGE_SIZE, 2 * PAGE_SIZE) && f.refs == 1);
	kpages_free(shared_pages, 4 * PAGE_SIZE);
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
	check_windows();
	CHECK(list_empty(&vma_list));
	puts("ok mmap");
	return 0;
}
