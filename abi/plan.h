/*
 * The deploy plan: what an embryo maps, and the registers it then takes on.
 *
 * A plan belongs to one snapshot and is sealed. It is a struct plan, then map_count
 * struct plan_map sorted by address and not overlapping, then (at frame_offset) a signal
 * frame ready for rt_sigreturn(2): a ucontext_t with its extended state behind it.
 *
 * The plan of a UC that goes on (PLAN_RESUMES) holds its own registers, behind the snapshot's maps those that it has
 * in their place, and (at changes_offset) what makes its memory out of what is so mapped.
 */
#ifndef SEUSS_ABI_PLAN_H
#define SEUSS_ABI_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC 0x4e414c5053535545ull /* "EUSSPLAN" */
#define PLAN_VERSION 2u

#define PLAN_ANONYMOUS 0xffffu

struct plan_map {
	uint64_t start;  /* page-aligned address */
	uint64_t bytes;  /* multiple of the page size */
	uint64_t offset; /* in the source */
	uint16_t source; /* image window i: i; layer j: UC_IMAGE_MAX + j; or PLAN_ANONYMOUS */
	uint16_t prot;   /* PROT_… */
	uint32_t flags;  /* PLAN_COPY */
};

/* The memory is there already, writable: read the bytes into it instead of mapping them. */
#define PLAN_COPY 1u

/* A run of pages to populate before the guest runs (working set). */
struct plan_touch {
	uint64_t start;
	uint64_t bytes;
	uint32_t write; /* 1: copy now, 0: map for reading */
	uint32_t reserved;
};

/*
 * A page that differs: a struct plan_change, then `runs` struct plan_run, each followed by its words
 * of 8 bytes. Sorted by page.
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

struct plan {
	uint64_t magic;
	uint32_t version;
	uint32_t map_count;
	uint32_t touch_count; /* struct plan_touch after the maps */
	uint32_t flags;       /* PLAN_RESUMES */
	uint64_t fs_base, gs_base;
	uint64_t frame_offset; /* of the signal frame, 64-byte aligned */
	uint64_t frame_bytes;
	uint64_t frame_sp; /* address the frame was built for (it holds a pointer to its own extended state) */
	uint64_t clock_monotonic_ns; /* guest's CLOCK_MONOTONIC at the capture */
	uint64_t changes_offset, changes_bytes; /* with PLAN_RESUMES */
};

#endif
