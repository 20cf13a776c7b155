/*
 * The memory of a UC that stands still: what of it a snapshot has to store, and the layer with that. For
 * capture.c alone.
 */
#ifndef TENDER_CAPTURE_MEMORY_H
#define TENDER_CAPTURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "memory/pages.h"
#include "memory/spare_layer.h"
#include "plan/layout.h"
#include "plan/page_runs.h"
#include "plan/vma_list.h"
#include "process/tracee.h"

struct tender;
struct uc;
struct page_buffer;

#define CAPTURE_SOURCES_MAX (UC_IMAGE_MAX + LAYERS_MAX)

struct capture {
	struct uc *uc;
	struct control_capture request;
	uint32_t seq;
	enum tracee_patience patience;
	struct page_buffer *buffer; /* or NULL */
	struct tracee tracee;
	struct vma_list vmas;
	struct page_runs own;
	struct layout_source sources[CAPTURE_SOURCES_MAX];
	size_t source_count;
	struct layout layout;
	struct layer_file layer;
	bool small; /* its pages are stored as they are: soon it is compact */
	uint64_t begin_ns, copy_ns, stop_ns, clock_ns;
	const char *failed; /* what failed, for the node */
};

/* Finds what its pages are and where the new layer has them: c->layout. 0 or -errno. */
int capture_lay_out(struct tender *t, struct capture *c);
/* Makes the layer: c->layer. 0 or -errno. */
int capture_copy_pages(struct tender *t, struct capture *c);

#endif
