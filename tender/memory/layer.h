/* Layers: files with the pages of one capture, sealed ones in memory or those of a store. */
#ifndef TENDER_LAYER_H
#define TENDER_LAYER_H

#include <stdint.h>

#include "base/base.h"
#include "base/file_id.h"
#include "plan/page_runs.h"

struct tender;

/* Pages that one capture has stored; shared by all its descendants. */
struct layer {
	struct list_node node;
	int refs;
	int fd;
	struct file_id file;
	uint64_t bytes;
	char *view; /* layer_view, or NULL */
	struct page_runs data; /* layer_data, once it was asked for: a layer has some */
};

void layers_init(struct tender *t);
/*
 * Takes fd, also on failure. If the tender has that file already,
 * its layer is counted once more. 0 or -errno.
 */
int layer_adopt(struct tender *t, int fd, struct layer **out);
/* The one with that file, or NULL. */
struct layer *layer_find(const struct tender *t, const struct file_id *file);
/* Its bytes in memory, while it is counted; NULL when they could change, or there is no room. */
const char *layer_view(struct layer *layer);
/* Where it has data, by offset; the rest of it are holes. 0 or -errno. */
int layer_data(struct layer *layer, const struct page_runs **runs);
struct layer *layer_get(struct layer *layer);
void layer_put(struct layer *layer);

#endif
