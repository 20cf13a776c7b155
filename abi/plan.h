/*
 * The deploy plan: what an embryo maps, and the registers it then takes on.
 *
 * A plan belongs to one snapshot and is sealed. It is a struct plan, then map_count
 * struct plan_map sorted by address and not overlapping, then (at frame_offset) a signal
 * frame ready for rt_sigreturn(2): a ucontext_t with its extended state behind it.
 */
#ifndef SEUSS_ABI_PLAN_H
#define SEUSS_ABI_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC 0x4e414c5053535545ull /* "EUSSPLAN" */
#define PLAN_VERSION 1u

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

struct plan {
	uint64_t magic;
	uint32_t version;
	uint32_t map_count;
	uint32_t touch_count; /* struct plan_touch after the maps */
	uint32_t reserved;
	uint64_t fs_base, gs_base;
	uint64_t frame_offset; /* of the signal frame, 64-byte aligned */
	uint64_t frame_bytes;
	uint64_t frame_sp; /* address the frame was built for (it holds a pointer to its own extended state) */
	uint64_t clock_monotonic_ns; /* guest's CLOCK_MONOTONIC at the capture */
};

#endif
