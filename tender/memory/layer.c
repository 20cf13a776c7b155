#include "memory/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/table.h"
#include "process/procfs.h"
#include "tender.h"

void layers_init(struct tender *t)
{
	table_init(&t->layers);
}

static struct list_node *chain_of(const struct tender *t, const struct file_id *file)
{
	return table_chain((struct table *)&t->layers, file->ino);
}

struct layer *layer_find(const struct tender *t, const struct file_id *file)
{
	list_for_each(n, chain_of(t, file)) {
		struct layer *layer = list_entry(n, struct layer, node);

		if (file_id_equal(&layer->file, file))
			return layer;
	}
	return NULL;
}

struct layer *layer_get(struct layer *layer)
{
	layer->refs++;
	return layer;
}

void layer_put(struct layer *layer)
{
	if (--layer->refs)
		return;
	list_del(&layer->node);
	if (layer->view)
		munmap(layer->view, layer->bytes);
	close(layer->fd);
	page_runs_free(&layer->data);
	free(layer);
}

/* A file that could be cut short is not mapped: to read it there would be a fault. */
const char *layer_view(struct layer *layer)
{
	int seals = layer->view ? 0 : fcntl(layer->fd, F_GET_SEALS);
	void *view;

	if (layer->view || seals < 0 || !(seals & F_SEAL_SHRINK))
		return layer->view;
	view = mmap(NULL, layer->bytes, PROT_READ, MAP_PRIVATE, layer->fd, 0);
	if (view != MAP_FAILED)
		layer->view = view;
	return layer->view;
}

int layer_data(struct layer *layer, const struct page_runs **runs)
{
	off_t data, hole = 0;
	int error;

	*runs = &layer->data;
	if (layer->data.count)
		return 0;
	while ((data = lseek(layer->fd, hole, SEEK_DATA)) >= 0) {
		hole = lseek(layer->fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		page_runs_add(&layer->data, PAGE_DOWN((uint64_t)data), PAGE_UP((uint64_t)hole));
	}
	error = errno == ENXIO ? 0 : -errno;
	if (error)
		page_runs_free(&layer->data);
	return error;
}

int layer_adopt(struct tender *t, int fd, struct layer **out)
{
	struct file_id file;
	struct layer *layer;
	struct stat st;
	int error = fstat(fd, &st) < 0 ? -errno : procfs_file_id(fd, &file);

	if (error) {
		close(fd);
		return error;
	}
	layer = layer_find(t, &file);
	if (layer) {
		close(fd);
		*out = layer_get(layer);
		return 0;
	}
	layer = xcalloc(1, sizeof *layer);
	*layer = (struct layer){ .refs = 1, .fd = fd, .file = file, .bytes = (uint64_t)st.st_size };
	list_add_tail(&layer->node, chain_of(t, &file));
	*out = layer;
	return 0;
}
