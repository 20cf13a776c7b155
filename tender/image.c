#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "huge_image.h"
#include "procfs.h"

struct image *image_find(struct tender *t, uint32_t number)
{
	list_for_each(n, &t->images) {
		struct image *image = list_entry(n, struct image, node);

		if (image->number == number)
			return image;
	}
	return NULL;
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

static int add(struct tender *t, uint32_t number, int fd)
{
	struct file_id file;
	struct image *image;
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > UC_IMAGE_SPAN)
		return -EFBIG;
	error = procfs_file_id(fd, &file);
	if (error)
		return error;
	image = xcalloc(1, sizeof *image);
	*image = (struct image){
		.number = number, .refs = 1, .fd = fd, .file = file, .bytes = (uint64_t)st.st_size
	};
	list_add_tail(&image->node, &t->images);
	return 0;
}

int image_adopt(struct tender *t, uint32_t number, int fd)
{
	int error = 0;

	if (image_find(t, number))
		close(fd);
	else
		error = add(t, number, fd);
	if (error)
		close(fd);
	return error;
}

/* Without memory for a copy the file itself serves. */
static int prefer_huge(const struct tender *t, int fd)
{
	int copy = t->huge_fs < 0 ? -1 : huge_image_copy(t->huge_fs, fd);

	if (copy < 0)
		return fd;
	close(fd);
	return copy;
}

int image_open(struct tender *t, uint32_t number, const char *path, bool huge)
{
	int fd;

	if (image_find(t, number))
		return -EEXIST;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	return image_adopt(t, number, huge ? prefer_huge(t, fd) : fd);
}

int image_drop(struct tender *t, uint32_t number)
{
	struct image *image = image_find(t, number);

	if (!image)
		return -ENOENT;
	list_del(&image->node);
	image_put(image);
	return 0;
}
