/* The library OS image: loaded once by the launcher, mapped by each zygote. */
#ifndef TENDER_LIBOS_IMAGE_H
#define TENDER_LIBOS_IMAGE_H

#include <stddef.h>

#include "abi/libos.h"

struct libos_image {
	int fd;      /* sealed copy, so that a rebuild cannot change what runs */
	uint64_t id; /* FNV-1a over the file */
	struct libos_header header;
};

/* Reads and checks the image; ends the process with a message if it cannot serve. */
void libos_image_load(struct libos_image *image, const char *path);

/*
 * Maps the image's segments, its heap and the embryo's scratch region at their addresses
 * (abi/layout.h), nothing of which may be in use. 0 or -errno.
 */
int libos_image_map(const struct libos_image *image);

/* Bytes from addr on, in [UC_LIBOS_BASE, UC_LIBOS_END), as libos_image_map makes them. 0 or -errno. */
int libos_image_read(const struct libos_image *image, uint64_t addr, void *to, size_t bytes);

#endif
