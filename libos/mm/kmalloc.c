/*
 * The library OS's own heap, behind its image: pages of equal objects for small sizes, runs of pages up to 32
 * KiB, kpages beyond. What the allocator knows of a page is kept apart, in one dense array, and a page is
 * taken into use lowest first, so that few pages are ever touched: each is a page of every idle UC.
 */
#include "abi/layout.h"
#include "include/upcalls.h"
#include "lib/string.h"
#include "vma.h"

extern char __libos_end[];

#define HEAP_START ((u64)__libos_end)
#define HEAP_PAGES_MAX ((UC_LIBOS_END - UC_LIBOS_BASE) / PAGE_SIZE)
#define RUN_MAX (8 * PAGE_SIZE)
#define GRAIN 16u /* unit of sizes and offsets */

static const u16 class_bytes[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 640, 1024, 1344, 2048 };
#define SMALL_MAX 2048u

enum page_kind { PAGE_FREE, PAGE_OBJECTS, PAGE_RUN, PAGE_RUN_REST };

/* Page numbers and offsets are kept plus one, so that zero means none and needs no initialisation. */
struct heap_page {
	u8 kind;
	u8 class;
	u16 used;       /* objects given out; of a run: its pages */
	u16 free;       /* first free object, in grains, plus one; each holds the next in its first bytes */
	u16 fresh;      /* objects never given out start at this index */
	u16 next, prev; /* among the pages of the class with room */
};

static struct heap_page pages[HEAP_PAGES_MAX];
static u16 with_room[ARRAY_SIZE(class_bytes)];
static u32 low_hint; /* no page below is free */

/* In front of memory that comes from kpages. */
struct large {
	u64 bytes; /* this header included */
	u64 magic;
};
#define LARGE_MAGIC 0x6b6c617267653030ull

static u64 page_address(u32 index)
{
	return HEAP_START + (u64)index * PAGE_SIZE;
}

/* Index of the first of count free pages, or -1. */
static long find_free(u32 count)
{
	u32 limit = (u32)((UC_LIBOS_END - HEAP_START) / PAGE_SIZE), run = 0;

	while (low_hint < limit && pages[low_hint].kind != PAGE_FREE)
		low_hint++;
	for (u32 i = low_hint; i < limit; i++) {
		run = pages[i].kind == PAGE_FREE ? run + 1 : 0;
		if (run == count)
			return (long)i + 1 - (long)count;
	}
	return -1;
}

static void free_page_run(u32 index, u32 count)
{
	for (u32 i = index; i < index + count; i++)
		pages[i] = (struct heap_page){ .kind = PAGE_FREE };
	low_hint = MIN(low_hint, index);
}

static void *alloc_run(u64 bytes)
{
	u32 count = (u32)(PAGE_UP(bytes) / PAGE_SIZE);
	long first = find_free(count);

	if (first < 0)
		return NULL;
	for (u32 i = 1; i < count; i++)
		pages[first + i].kind = PAGE_RUN_REST;
	pages[first].kind = PAGE_RUN;
	pages[first].used = (u16)count;
	return (void *)page_address((u32)first);
}

static void room_push(u32 index)
{
	struct heap_page *p = &pages[index];
	u16 *head = &with_room[p->class];

	p->next = *head;
	p->prev = 0;
	if (*head)
		pages[*head - 1].prev = (u16)(index + 1);
	*head = (u16)(index + 1);
}

static void room_remove(u32 index)
{
	struct heap_page *p = &pages[index];

	if (p->prev)
		pages[p->prev - 1].next = p->next;
	else
		with_room[p->class] = p->next;
	if (p->next)
		pages[p->next - 1].prev = p->prev;
}

static bool new_object_page(u32 class)
{
	long index = find_free(1);

	if (index < 0)
		return false;
	pages[index] = (struct heap_page){ .kind = PAGE_OBJECTS, .class = (u8)class };
	room_push((u32)index);
	return true;
}

static u32 class_of(size_t bytes)
{
	u32 class = 0;

	while (class_bytes[class] < bytes)
		class++;
	return class;
}

static u32 capacity(u32 class)
{
	return (u32)PAGE_SIZE / class_bytes[class];
}

static void *alloc_object(u32 class)
{
	struct heap_page *p;
	u64 base;
	u8 *object;
	u32 index;

	if (!with_room[class] && !new_object_page(class))
		return NULL;
	index = with_room[class] - 1u;
	p = &pages[index];
	base = page_address(index);
	if (p->free) {
		object = (u8 *)base + (p->free - 1u) * GRAIN;
		p->free = *(u16 *)object;
	} else {
		object = (u8 *)base + (u32)p->fresh++ * class_bytes[class];
	}
	if (++p->used == capacity(class))
		room_remove(index);
	return object;
}

static void free_object(u32 index, u64 addr)
{
	struct heap_page *p = &pages[index];
	u32 offset = (u32)(addr - page_address(index));

	if (offset % class_bytes[p->class] || offset / class_bytes[p->class] >= p->fresh || !p->used)
		panic("kfree of %p, which is no object", (void *)addr);
	*(u16 *)addr = p->free;
	p->free = (u16)(offset / GRAIN + 1);
	if (p->used-- == capacity(p->class))
		room_push(index);
	/* The last page with room stays, so that one object coming and going costs nothing. */
	if (!p->used && (p->next || p->prev)) {
		room_remove(index);
		free_page_run(index, 1);
	}
}

static void *alloc_large(u64 bytes)
{
	u64 total = bytes + sizeof(struct large);
	struct large *l = total < bytes ? NULL : kpages_alloc(total);

	if (!l)
		return NULL;
	l->bytes = total;
	l->magic = LARGE_MAGIC;
	return l + 1;
}

static struct large *large_of(void *p)
{
	struct large *l = (struct large *)p - 1;

	if ((u64)p % PAGE_SIZE != sizeof *l || l->magic != LARGE_MAGIC)
		panic("kfree of %p, which kmalloc did not give", p);
	return l;
}

static bool in_heap(const void *p)
{
	return (u64)p >= HEAP_START && (u64)p < UC_LIBOS_END;
}

/* Heap page of p, which must be an object or the start of a run. */
static u32 index_of(const void *p)
{
	u32 index = (u32)(((u64)p - HEAP_START) / PAGE_SIZE);
	u8 kind = pages[index].kind;

	if (kind != PAGE_OBJECTS && (kind != PAGE_RUN || (u64)p % PAGE_SIZE))
		panic("%p is no memory of kmalloc", p);
	return index;
}

static u64 usable_bytes(void *p)
{
	const struct heap_page *page;

	if (!in_heap(p))
		return large_of(p)->bytes - sizeof(struct large);
	page = &pages[index_of(p)];
	return page->kind == PAGE_RUN ? page->used * PAGE_SIZE : class_bytes[page->class];
}

void *kmalloc(size_t bytes)
{
	if (bytes <= SMALL_MAX)
		return alloc_object(class_of(bytes));
	return bytes <= RUN_MAX ? alloc_run(bytes) : alloc_large(bytes);
}

void *kzalloc(size_t bytes)
{
	void *p = kmalloc(bytes);

	if (p && bytes <= RUN_MAX) /* kpages are zero already */
		memset(p, 0, bytes);
	return p;
}

void kfree(void *p)
{
	u32 index;

	if (!p)
		return;
	if (!in_heap(p)) {
		struct large *l = large_of(p);

		kpages_free(l, l->bytes);
		return;
	}
	index = index_of(p);
	if (pages[index].kind == PAGE_RUN)
		free_page_run(index, pages[index].used);
	else
		free_object(index, (u64)p);
}

void *krealloc(void *p, size_t bytes)
{
	u64 old = p ? usable_bytes(p) : 0;
	void *moved;

	/* Stays where it is unless it would waste more than half. */
	if (p && bytes <= old && bytes > old / 2)
		return p;
	moved = kmalloc(bytes);
	if (!moved || !p)
		return moved;
	memcpy(moved, p, MIN(old, bytes));
	kfree(p);
	return moved;
}
