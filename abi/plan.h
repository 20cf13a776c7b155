/*
 * The deploy plan: what an embryo maps, and the registers it then takes on.
 *
 * A plan is sealed. It is a struct plan, then map_count struct plan_map sorted by address and
 * not overlapping, then (at frame_offset) a signal frame ready for rt_sigreturn(2): a ucontext_t with its
 * extended state behind it; then (at changes_offset) words that differ from what is so mapped.
 *
 * It makes a snapshot, or a UC that goes on, of an embryo, or of a process that has the memory of another
 * snapshot; of which one is not the plan's to say.
 */
#ifndef SEUSS_ABI_PLAN_H
#define SEUSS_ABI_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC 0x4e414c5053535545ull /* "EUSSPLAN" */
#define PLAN_VERSION 4u

#define PLAN_ANONYMOUS 0xffffu

struct plan_map {
	uint64_t start;  /* page-aligned address */
	uint64_t bytes;  /* multiple of the page size */
	uint64_t offset; /* in the source */
	uint16_t source; /* image window i: i; layer j: UC_IMAGE_MAX + j; or PLAN_ANONYMOUS */
	uint16_t prot;   /* PROT_… */
	uint32_t flags;  /* PLAN_COPY, PLAN_PROTECT, PLAN_UNMAP, PLAN_DISCARD */
};

/*
 * The memory is there already, writable: read the bytes into it (zeroes of PLAN_ANONYMOUS) instead of mapping
 * them.
 */
#define PLAN_COPY 1u
/* The memory is there already: it keeps its contents, and gets that protection. source and offset are 0. */
#define PLAN_PROTECT 2u
/* In the plan of a reset: there is to be nothing; the private pages go, so that what is mapped shows. */
#define PLAN_UNMAP 4u
#define PLAN_DISCARD 8u

/* A run of pages to populate before the guest runs (working set). */
struct plan_touch {
	uint64_t start;
	uint64_t bytes;
	uint32_t write; /* 1: copy now, 0: map for reading */
	uint32_t reserved;
};

/*
 * A page that differs once all is mapped: a struct plan_change, then `runs` struct plan_run, each followed by
 * its words of 8 bytes. Sorted by page.
 */
struct plan_change {
	uint32_t page;   /* address in pages */
	uint16_t runs;   /* never 0 */
	uint16_t access; /* 0: it is writable; else PLAN_CHANGE_PROTECTED and the PROT_… to set again */
};

#define PLAN_CHANGE_PROTECTED 0x8000u

struct plan_run {
	uint16_t first, count; /* words of the page */
};

/* The UC has lived before: its identity and random pool are among the changes, and stay. */
#define PLAN_RESUMES 1u
/* It makes a snapshot of the memory of its parent: of a compact one. Else of an embryo. */
#define PLAN_COMPACT 2u

struct plan {
	uint64_t magic;
	uint32_t version;
	uint32_t map_count;
	uint32_t touch_count; /* struct plan_touch after the maps */
	uint32_t flags;       /* PLAN_RESUMES, PLAN_COMPACT */
	uint64_t fs_base, gs_base;
	uint64_t frame_offset; /* of the signal frame, 64-byte aligned */
	uint64_t frame_bytes;
	uint64_t frame_sp; /* UC_SCRATCH_BASE: the frame was built for it (it holds a pointer to its own
	                      extended state) */
	uint64_t clock_monotonic_ns; /* guest's CLOCK_MONOTONIC at the capture */
	uint64_t changes_offset, changes_bytes; /* both 0 if there are none */
	uint64_t inherited; /* in a file: hash over the ancestors' layers that its layer numbers mean; else
	                       0 */
};

#endif
