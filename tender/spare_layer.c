#include "spare_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sealed.h"

/* A layer larger than this is no function's first: the next one will not be like it. */
#define SPARE_BYTES_MAX (512 * UC_PAGE_SIZE)
#define MARGIN_BYTES (8 * UC_PAGE_SIZE)

int spare_layer_take(struct tender *t, uint64_t bytes)
{
	struct spare_layer *s = &t->spare_layer;
	int fd = s->fd;

	if (bytes > SPARE_BYTES_MAX)
		return sealed_create("seuss-layer");
	s->wanted = bytes + MARGIN_BYTES;
	s->fd = -1;
	if (fd >= 0 && s->bytes >= bytes && s->bytes <= 2 * s->wanted)
		return fd;
	close_if_open(fd);
	return sealed_create("seuss-layer");
}

bool spare_layer_wanted(const struct tender *t)
{
	return t->spare_layer.wanted && t->spare_layer.fd < 0;
}

void spare_layer_prepare(struct tender *t)
{
	struct spare_layer *s = &t->spare_layer;
	int fd = sealed_create("seuss-layer");

	/* Without it the next capture makes its own; another is tried after that. */
	if (fd < 0 || fallocate(fd, 0, 0, (off_t)s->wanted) < 0) {
		close_if_open(fd);
		s->wanted = 0;
		return;
	}
	s->fd = fd;
	s->bytes = s->wanted;
}
