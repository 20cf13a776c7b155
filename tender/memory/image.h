/* File-system images: opened once per tender, counted by snapshots and UCs. */
#ifndef TENDER_IMAGE_H
#define TENDER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/file_id.h"
#include "base/table.h"

struct tender;

/* A file-system image of the node: one per file. */
struct image {
	struct list_node node;
	int refs; /* the node's numbers, UCs and snapshots */
	int fd;
	struct file_id file;
	uint64_t bytes;
};

struct images {
	struct table by_file; /* by inode */
	struct list_node numbers;
};

void images_init(struct tender *t);
/*
 * Opens path under number; huge: a copy in huge pages, if the host has them. 0 or -errno (-EEXIST: the number
 * is taken).
 */
int image_open(struct tender *t, uint32_t number, const char *path, bool huge);
/*
 * The image of a file that another tender has handed over, counted once more; takes fd, also on failure.
 * number, if it is known here, saves looking at the file; else 0. 0 or -errno.
 */
int image_adopt(struct tender *t, uint32_t number, int fd, struct image **out);
/* Ends the node's hold on it: the number is free, the file stays open while UCs or snapshots use it. */
int image_drop(struct tender *t, uint32_t number);
struct image *image_find(struct tender *t, uint32_t number);
/* A number that the node has given it, or 0. */
uint32_t image_number(struct tender *t, const struct image *image);
struct image *image_get(struct image *image);
void image_put(struct image *image);

#endif
