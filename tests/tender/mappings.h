/* Mappings of a process and of a plan, for the tests of what computes one of the other. */
#ifndef TESTS_TENDER_MAPPINGS_H
#define TESTS_TENDER_MAPPINGS_H

#include "../../abi/layout.h"
#include "../../tender/plan/layout.h"
#include "check.h"

#define PAGE UC_PAGE_SIZE
#define LAYER_INO 200

static inline struct vma vma(uint64_t start, uint64_t pages, uint16_t prot, uint64_t ino, uint64_t offset)
{
	return (struct vma){
		start, start + pages * PAGE, offset, { 0, ino ? 7 : 0, ino }, prot, false, false
	};
}

static inline void check_map(const struct plan_map *m, uint64_t start, uint64_t pages, uint16_t source,
			     uint64_t offset)
{
	CHECK(m->start == start);
	CHECK(m->bytes == pages * PAGE);
	CHECK(m->source == source);
	CHECK(source == PLAN_ANONYMOUS || m->offset == offset);
}

#endif
