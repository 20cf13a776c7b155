/* Runs while the library OS's own data is replaced: uses no global variable. */
#include "resume.h"

#include <linux/mman.h>

#include "abi/layout.h"
#include "host/host.h"
#include "lib/string.h"

#define PAGE_WORDS (UC_PAGE_SIZE / 8)

/* The end of a page's runs, or NULL. */
static const u8 *write_runs(u64 page, u32 runs, const u8 *at, const u8 *end)
{
	for (; runs; runs--) {
		struct plan_run run;

		if ((u64)(end - at) < sizeof run)
			return NULL;
		memcpy(&run, at, sizeof run);
		at += sizeof run;
		if (run.first + run.count > (int)PAGE_WORDS || (u64)(end - at) < run.count * 8ul)
			return NULL;
		memcpy((void *)(page + run.first * 8ul), at, run.count * 8ul);
		at += run.count * 8ul;
	}
	return at;
}

static const u8 *write_page(const struct plan_change *c, const u8 *at, const u8 *end)
{
	u64 page = (u64)c->page * UC_PAGE_SIZE;

	if (c->access && host_mprotect(page, UC_PAGE_SIZE, PROT_READ | PROT_WRITE) < 0)
		return NULL;
	at = write_runs(page, c->runs, at, end);
	if (c->access && host_mprotect(page, UC_PAGE_SIZE, c->access & ~PLAN_CHANGE_PROTECTED) < 0)
		return NULL;
	return at;
}

bool resume_memory(const struct plan *p)
{
	const u8 *at = (const u8 *)p + p->changes_offset, *end = at + p->changes_bytes;

	while (at && at < end) {
		struct plan_change c;

		if ((u64)(end - at) < sizeof c)
			return false;
		memcpy(&c, at, sizeof c);
		at = write_page(&c, at + sizeof c, end);
	}
	return at != NULL;
}
