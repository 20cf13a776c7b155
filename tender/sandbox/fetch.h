/*
 * Fetching a working set. What is not mapped any more, or refused, is skipped: all of this only saves time
 * later. Each function becomes part of its caller, since an embryo has no other code than its own.
 */
#ifndef TENDER_FETCH_H
#define TENDER_FETCH_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/embryo_job.h"
#include "sandbox/template_job.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* Pages that are fetched one by one, at most: each is a call. */
#define SEPARATE_PAGES_MAX 8192ul
#define FETCH_INLINE static inline __attribute__((always_inline))

/* Without libc, and so without errno. */
FETCH_INLINE long host_call(long number, uint64_t a, uint64_t b, uint64_t c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/* What lies around the blocks of a run that may be huge pages: up to two parts, either may be empty. */
struct small_parts {
	uint64_t start, huge, huge_end, end;
};

FETCH_INLINE struct small_parts small_parts(const struct plan_touch *t)
{
	const uint64_t mask = WORKING_SET_HUGE_BYTES - 1;
	struct small_parts p = { t->start, (t->start + mask) & ~mask, (t->start + t->bytes) & ~mask,
				 t->start + t->bytes };

	if (p.huge >= p.huge_end)
		p.huge = p.huge_end = p.end;
	return p;
}

FETCH_INLINE void advise(uint64_t start, uint64_t end, int advice)
{
	if (start < end)
		host_call(SYS_madvise, start, end - start, (uint64_t)advice);
}

/*
 * The kernel maps the pages around one that is read as well, as far as the mapping goes. It does not join
 * mappings of different advice: with one for each page, only that page is mapped. A guest may have read any
 * number: *left bounds the mappings, of which the host allows a process 65,530, and goes down by the pages.
 */
FETCH_INLINE void separate_pages(uint64_t start, uint64_t end, uint64_t *left)
{
	uint64_t pages = (end - start) / UC_PAGE_SIZE;

	if (start >= end || pages > *left)
		return;
	*left -= pages;
	for (uint64_t page = start; page <= end; page += 2 * UC_PAGE_SIZE)
		advise(page, page + UC_PAGE_SIZE, MADV_SEQUENTIAL);
}

FETCH_INLINE void fetch_written(const struct embryo_job *job)
{
	for (uint32_t i = 0; i < job->touch_count; i++) {
		const struct plan_touch *t = &job->touches[i];

		if (t->write)
			advise(t->start, t->start + t->bytes, MADV_POPULATE_WRITE);
	}
}

FETCH_INLINE void fetch_exactly(uint64_t start, uint64_t end)
{
	uint64_t left = SEPARATE_PAGES_MAX;

	separate_pages(start, end, &left);
	advise(start, end, MADV_POPULATE_READ);
	advise(start, end + UC_PAGE_SIZE, MADV_NORMAL);
}

/* For a template's embryos, which get what it has except huge pages, and mappings without a private page. */
FETCH_INLINE void fetch_read(const struct embryo_job *job)
{
	for (uint32_t i = 0; i < job->touch_count; i++) {
		struct small_parts p = small_parts(&job->touches[i]);

		if (job->touches[i].write)
			continue;
		fetch_exactly(p.start, p.huge);
		fetch_exactly(p.huge_end, p.end);
	}
}

FETCH_INLINE void fetch_huge(const struct embryo_job *job)
{
	for (uint32_t i = 0; i < job->touch_count; i++) {
		struct small_parts p = small_parts(&job->touches[i]);

		if (!job->touches[i].write)
			advise(p.huge, p.huge_end, MADV_POPULATE_READ);
	}
}

/* Its template has fetched none of this: so what it has mapped later is what it has read. */
FETCH_INLINE void separate_working_set(const struct embryo_job *job)
{
	uint64_t left = SEPARATE_PAGES_MAX;

	for (uint32_t i = 0; i < job->touch_count; i++) {
		struct small_parts p = small_parts(&job->touches[i]);

		if (job->touches[i].write)
			continue;
		separate_pages(p.start, p.huge, &left);
		separate_pages(p.huge_end, p.end, &left);
	}
}

#endif
