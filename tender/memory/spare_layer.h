/*
 * The memory file of the next layer, with its pages, made while the tender is idle: to find the pages is most
 * of what it costs to write one.
 */
#ifndef TENDER_SPARE_LAYER_H
#define TENDER_SPARE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

struct tender;

struct spare_layer {
	int fd; /* or -1 */
	char *view; /* all its bytes, writable, or NULL */
	uint64_t bytes; /* that it has pages for */
	uint64_t wanted; /* 0 as long as there was no capture */
	char *old_view; /* of the layer before, or NULL */
	uint64_t old_view_bytes;
};

struct layer_file {
	int fd;
	/* view_bytes of it in the tender's memory, at least those asked for; NULL if it is new. */
	char *view;
	uint64_t view_bytes;
};

void spare_layer_init(struct tender *t);
/* A file to write that many bytes to, from its beginning on without holes. 0 or -errno. */
int spare_layer_take(struct tender *t, uint64_t bytes, struct layer_file *file);
/* The file is full: its view goes when the tender is idle, or is about to get another. */
void spare_layer_return_view(struct tender *t, struct layer_file *file);
/* A capture of the usual kind has stored so much: the next is likely to store as much. */
bool spare_layer_wanted(const struct tender *t);
void spare_layer_prepare(struct tender *t);

#endif
