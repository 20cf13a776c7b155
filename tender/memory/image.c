#include "memory/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/table.h"
#include "process/procfs.h"
#include "sandbox/huge_image.h"
#include "tender.h"

/* A number that the node has given; a file may have several. */
struct image_number {
	struct list_node node;
	uint32_t number;
	struct image *image;
};

void images_init(struct tender *t)
{
	table_init(&t->images.by_file);
	list_init(&t->images.numbers);
}

static struct image_number *find_number(struct tender *t, uint32_t number)
{
	list_for_each(n, &t->images.numbers) {
		struct image_number *known = list_entry(n, struct image_number, node);

		if (known->number == number)
			return known;
	}
	return NULL;
}

struct image *image_find(struct tender *t, uint32_t number)
{
	struct image_number *known = find_number(t, number);

	return known ? known->image : NULL;
}

uint32_t image_number(struct tender *t, const struct image *image)
{
	list_for_each(n, &t->images.numbers) {
		struct image_number *known = list_entry(n, struct image_number, node);

		if (known->image == image)
			return known->number;
	}
	return 0;
}

struct image *image_get(struct image *image)
{
	image->refs++;
	return image;
}

void image_put(struct image *image)
{
	if (--image->refs)
		return;
	list_del(&image->node);
	close(image->fd);
	free(image);
}

static int identify(int fd, struct file_id *file, uint64_t *bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > UC_IMAGE_SPAN)
		return -EFBIG;
	*bytes = (uint64_t)st.st_size;
	return procfs_file_id(fd, file);
}

static struct image *find_file(struct tender *t, const struct file_id *file)
{
	list_for_each(n, table_chain(&t->images.by_file, file->ino)) {
		struct image *image = list_entry(n, struct image, node);

		if (file_id_equal(&image->file, file))
			return image;
	}
	return NULL;
}

/* One image per file, counted once more; takes fd, also on failure. */
static int take(struct tender *t, int fd, struct image **out)
{
	struct file_id file;
	uint64_t bytes = 0;
	int error = identify(fd, &file, &bytes);
	struct image *image = error ? NULL : find_file(t, &file);

	if (error || image) {
		close(fd);
		if (image)
			*out = image_get(image);
		return error;
	}
	image = xcalloc(1, sizeof *image);
	*image = (struct image){ .refs = 1, .fd = fd, .file = file, .bytes = bytes };
	list_add_tail(&image->node, table_chain(&t->images.by_file, file.ino));
	*out = image;
	return 0;
}

int image_adopt(struct tender *t, uint32_t number, int fd, struct image **out)
{
	struct image *known = number ? image_find(t, number) : NULL;

	if (!known)
		return take(t, fd, out);
	close(fd);
	*out = image_get(known);
	return 0;
}

/* Without memory for a copy the file itself serves. */
static int prefer_huge(struct tender *t, int fd)
{
	int copy;

	if (t->huge_fs == HUGE_FS_UNKNOWN)
		t->huge_fs = huge_fs_open();
	copy = t->huge_fs < 0 ? -1 : huge_image_copy(t->huge_fs, fd);
	if (copy < 0)
		return fd;
	close(fd);
	return copy;
}

int image_open(struct tender *t, uint32_t number, const char *path, bool huge)
{
	struct image_number *known;
	struct image *image;
	int fd, error;

	if (!number)
		return -EINVAL;
	if (find_number(t, number))
		return -EEXIST;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	error = take(t, huge ? prefer_huge(t, fd) : fd, &image);
	if (error)
		return error;
	known = xcalloc(1, sizeof *known);
	*known = (struct image_number){ .number = number, .image = image };
	list_add_tail(&known->node, &t->images.numbers);
	return 0;
}

int image_drop(struct tender *t, uint32_t number)
{
	struct image_number *known = find_number(t, number);

	if (!known)
		return -ENOENT;
	list_del(&known->node);
	image_put(known->image);
	free(known);
	return 0;
}
