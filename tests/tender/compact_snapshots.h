/* Snapshots that differ from a root in a few words, as tests of compact ones need them. */
#ifndef TESTS_TENDER_COMPACT_SNAPSHOTS_H
#define TESTS_TENDER_COMPACT_SNAPSHOTS_H

#include "../../abi/layout.h"
#include "probed_uc.h"

/* The probe's own count lies in the megabyte before. */
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul
#define PAGE UC_PAGE_SIZE

extern uint64_t next_snapshot; /* the number of the next one */

void map(uint32_t uc, uint64_t addr, uint64_t pages);
uint32_t deploy(uint64_t from);
struct control_demoted demote(uint32_t uc, uint64_t snapshot);
uint64_t capture(uint32_t uc, bool keep);
void drop(uint64_t snapshot);
/* 0 or the errno of the reply. */
int try_compact(uint64_t snapshot, struct control_compacted *out);
struct control_compacted compact(uint64_t snapshot);
struct control_inspected inspect(int i, uint64_t snapshot);
/* A snapshot of a UC that has counted once and has ROOM mapped, a word on each of its even pages. */
uint64_t root(void);
/* A child that has written `value` to every page's second word, and has counted once more. */
uint64_t child(uint64_t parent, uint64_t value);
void check_child(uint32_t uc, uint64_t counts, uint64_t value);

#endif
