#include "disk/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/plan.h"
#include "base/base.h"
#include "base/descriptors.h"
#include "base/sealed.h"
#include "loop/control.h"
#include "memory/image.h"
#include "memory/layer.h"
#include "memory/snapshot.h"
#include "memory/stored_plan.h"
#include "peers/peers.h"
#include "plan/frame.h"
#include "plan/page_changes.h"
#include "plan/plan_check.h"

#define SUFFIX_BYTES 8
/* More than any guest can have. */
#define LAYER_BYTES_MAX (64ull << 30)

struct load {
	struct control_load request;
	char path[PATH_MAX];
	struct snapshot *snapshot;
	char *plan;
	uint64_t plan_bytes;
	struct layer *own;
	const char *failed; /* what failed, for the node */
};

/* A regular file of a size up to max, which goes to *bytes; a descriptor or -errno. */
static int open_file(const char *path, const char *suffix, uint64_t max, uint64_t *bytes)
{
	char name[PATH_MAX + SUFFIX_BYTES];
	struct stat st;
	int fd;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > max) {
		close(fd);
		return -EBADMSG;
	}
	*bytes = (uint64_t)st.st_size;
	return fd;
}

static int read_plan(struct load *l)
{
	int fd, error;

	l->failed = "its plan cannot be read";
	fd = open_file(l->path, ".plan", PLAN_BYTES_MAX, &l->plan_bytes);
	if (fd < 0)
		return fd;
	l->plan = xcalloc(1, l->plan_bytes);
	error = pread_all(fd, l->plan, l->plan_bytes, 0);
	close(fd);
	return error;
}

/* ---- the layer ---- */

/* Snapshots hold compiled code: a file system that is mounted noexec cannot back them. */
static bool can_execute(int fd)
{
	void *page = mmap(NULL, UC_PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (page != MAP_FAILED)
		munmap(page, UC_PAGE_SIZE);
	return page != MAP_FAILED;
}

static int copy_data(int from, int to, uint64_t bytes)
{
	char buffer[64 << 10];
	off_t at = 0;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t hole = lseek(from, at, SEEK_HOLE);

		while (at < hole) {
			size_t n = (size_t)(hole - at) < sizeof buffer ? (size_t)(hole - at) : sizeof buffer;
			int error = pread_all(from, buffer, n, (uint64_t)at);

			if (!error)
				error = pwrite_all(to, buffer, n, (uint64_t)at);
			if (error)
				return error;
			at += (off_t)n;
		}
	}
	return errno == ENXIO && ftruncate(to, (off_t)bytes) == 0 ? 0 : -errno;
}

/* Takes fd; a sealed copy in memory or -errno. */
static int copy_to_memory(int fd, uint64_t bytes)
{
	int copy = sealed_create("seuss-layer"), error = copy < 0 ? copy : copy_data(fd, copy, bytes);

	close(fd);
	if (error) {
		close_if_open(copy);
		return error;
	}
	return sealed_finish(copy);
}

static int open_layer(struct tender *t, struct load *l)
{
	uint64_t bytes;
	int fd;

	l->failed = "its layer cannot be opened";
	fd = open_file(l->path, ".layer", LAYER_BYTES_MAX, &bytes);
	if (fd == -ENOENT)
		return 0;
	if (fd >= 0 && !can_execute(fd))
		fd = copy_to_memory(fd, bytes);
	return fd < 0 ? fd : layer_adopt(t, fd, &l->own);
}

/* ---- what it builds on ---- */

/* What the parent has already stays the parent's. */
static int take_images(struct tender *t, struct load *l, const struct snapshot *parent)
{
	struct snapshot *s = l->snapshot;

	l->failed = "its images are not those of its parent";
	if (parent && (int)l->request.image_count < parent->image_count)
		return -EINVAL;
	for (uint32_t i = 0; i < l->request.image_count; i++) {
		struct image *image = image_find(t, l->request.images[i]);

		if (!image)
			return -ENOENT;
		if (parent && (int)i < parent->image_count && parent->images[i] != image)
			return -EINVAL;
		s->images[s->image_count++] = image_get(image);
	}
	return 0;
}

static int build(struct tender *t, struct load *l)
{
	const struct snapshot *parent = l->request.parent ? snapshot_find(t, l->request.parent) : NULL;
	int error = descriptors_check();

	l->failed = "there are no descriptors left";
	if (error)
		return error;
	l->failed = "its parent is not known";
	if (l->request.parent && !parent)
		return -ESTALE;
	error = take_images(t, l, parent);
	if (!error)
		error = read_plan(l);
	if (!error)
		error = open_layer(t, l);
	if (error)
		return error;
	l->failed = stored_plan_adopt(t, l->snapshot, l->plan, l->plan_bytes, l->own, &error);
	if (l->failed)
		return error;
	l->failed = "its number is taken";
	return snapshot_publish(t, l->snapshot);
}

/* ---- the reply ---- */

/* Holes are counted: who touches them makes pages of them. */
static void count_own(const struct layer *own, struct control_captured *reply)
{
	off_t at = 0;

	reply->own_pages += PAGE_UP(own->bytes) / UC_PAGE_SIZE;
	while ((at = lseek(own->fd, at, SEEK_DATA)) >= 0) {
		at = lseek(own->fd, at, SEEK_HOLE);
		if (at < 0)
			return;
		reply->runs++;
	}
}

/* Of a compact one: pages that its words change. */
static void count_changed(const struct plan *p, struct control_captured *reply)
{
	const char *at = (const char *)p + p->changes_offset, *end = at + p->changes_bytes;
	struct plan_change change;

	for (; at < end; reply->own_pages++)
		at = page_changes_next(at, &change);
}

static struct control_captured describe(const struct load *l)
{
	const struct plan *p = (const struct plan *)l->plan;
	const struct plan_map *m = (const struct plan_map *)(p + 1);
	struct control_captured reply = { .parent = l->request.parent, .maps = p->map_count };

	reply.rip = frame_rip((const char *)p + p->frame_offset);
	for (uint32_t i = 0; i < p->map_count; i++)
		if (m[i].source != PLAN_ANONYMOUS && m[i].source >= UC_IMAGE_MAX &&
		    l->snapshot->pages->layers[m[i].source - UC_IMAGE_MAX] != l->own)
			reply.shared_pages += m[i].bytes / UC_PAGE_SIZE;
	if (l->own)
		count_own(l->own, &reply);
	if (p->flags & PLAN_COMPACT)
		count_changed(p, &reply);
	return reply;
}

static bool parse(const struct control_frame *frame, const char *payload, struct load *l)
{
	size_t length = frame->len - sizeof l->request;

	if (frame->len <= sizeof l->request || length >= sizeof l->path)
		return false;
	memcpy(&l->request, payload, sizeof l->request);
	memcpy(l->path, payload + sizeof l->request, length);
	return strlen(l->path) == length && l->request.snapshot && l->request.image_count <= UC_IMAGE_MAX;
}

void load_request(struct tender *t, const struct control_frame *frame, const char *payload)
{
	struct load *l = xcalloc(1, sizeof *l);
	struct control_captured reply;
	int error = -EINVAL;

	l->failed = "the message is malformed";
	if (parse(frame, payload, l)) {
		l->snapshot = snapshot_new(t, l->request.snapshot, l->request.parent);
		error = build(t, l);
	}
	if (error) {
		control_error(t, 0, frame->seq, -error, "load of a snapshot: %s: %s", l->failed,
			      strerror(-error));
		snapshot_put(l->snapshot);
	} else {
		reply = describe(l);
		peers_hand_over(t, l->snapshot, 0, frame->seq, &reply, sizeof reply);
	}
	if (l->own)
		layer_put(l->own);
	free(l->plan);
	free(l);
}
