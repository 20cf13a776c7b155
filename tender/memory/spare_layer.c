#include "memory/spare_layer.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/sealed.h"
#include "tender.h"

/* A layer larger than this is no function's first: the next one will not be like it. */
#define SPARE_BYTES_MAX (512 * UC_PAGE_SIZE)
#define MARGIN_BYTES (8 * UC_PAGE_SIZE)

void spare_layer_init(struct tender *t)
{
	t->spare_layer.fd = -1;
}

static int create(struct layer_file *file)
{
	*file = (struct layer_file){ .fd = sealed_create("seuss-layer") };
	return file->fd < 0 ? file->fd : 0;
}

static void let_go(struct spare_layer *s)
{
	if (s->view)
		munmap(s->view, s->bytes);
	close_if_open(s->fd);
	s->view = NULL;
	s->fd = -1;
}

int spare_layer_take(struct tender *t, uint64_t bytes, struct layer_file *file)
{
	struct spare_layer *s = &t->spare_layer;

	if (bytes > SPARE_BYTES_MAX)
		return create(file);
	s->wanted = bytes + MARGIN_BYTES;
	if (s->fd < 0 || s->bytes < bytes || s->bytes > 2 * s->wanted) {
		let_go(s);
		return create(file);
	}
	*file = (struct layer_file){ s->fd, s->view, s->bytes };
	s->fd = -1;
	s->view = NULL;
	return 0;
}

static void drop_old_view(struct spare_layer *s)
{
	if (s->old_view)
		munmap(s->old_view, s->old_view_bytes);
	s->old_view = NULL;
}

/* To unmap it takes as long as to copy a quarter of its pages. */
void spare_layer_return_view(struct tender *t, struct layer_file *file)
{
	struct spare_layer *s = &t->spare_layer;

	if (!file->view)
		return;
	drop_old_view(s);
	s->old_view = file->view;
	s->old_view_bytes = file->view_bytes;
	file->view = NULL;
}

bool spare_layer_wanted(const struct tender *t)
{
	return t->spare_layer.wanted && t->spare_layer.fd < 0;
}

/* Without it the next capture makes its own; another is tried after that. */
void spare_layer_prepare(struct tender *t)
{
	struct spare_layer *s = &t->spare_layer;

	drop_old_view(s);
	s->bytes = s->wanted;
	s->fd = sealed_create("seuss-layer");
	if (s->fd >= 0 && ftruncate(s->fd, (off_t)s->bytes) == 0) {
		void *view =
			mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd, 0);

		s->view = view == MAP_FAILED ? NULL : view;
	}
	if (!s->view) {
		let_go(s);
		s->wanted = 0;
	}
}
