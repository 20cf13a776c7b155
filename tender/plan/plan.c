#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/sealed.h"

#define FRAME_ALIGN 64u

static uint64_t aligned(uint64_t offset)
{
	return (offset + FRAME_ALIGN - 1) & ~(uint64_t)(FRAME_ALIGN - 1);
}

static int write_sealed(const void *bytes, uint64_t count)
{
	int fd = sealed_create("seuss-plan"), error;

	if (fd < 0)
		return fd;
	error = pwrite_all(fd, bytes, count, 0);
	if (error) {
		close(fd);
		return error;
	}
	return sealed_finish(fd);
}

/* The file's contents but for the frame, which is of head->frame_bytes. To be freed. */
static char *lay_out(struct plan *head, const struct plan_difference *d, uint64_t *bytes)
{
	size_t map_bytes = d->map_count * sizeof *d->maps;
	char *text;

	head->magic = PLAN_MAGIC;
	head->version = PLAN_VERSION;
	head->map_count = (uint32_t)d->map_count;
	head->touch_count = 0;
	head->frame_offset = aligned(sizeof *head + map_bytes);
	*bytes = head->frame_offset + head->frame_bytes;
	head->changes_offset = d->change_bytes ? *bytes : 0;
	head->changes_bytes = d->change_bytes;
	*bytes += d->change_bytes;
	text = xcalloc(1, *bytes);
	memcpy(text, head, sizeof *head);
	if (map_bytes)
		memcpy(text + sizeof *head, d->maps, map_bytes);
	if (d->change_bytes)
		memcpy(text + head->changes_offset, d->changes, d->change_bytes);
	return text;
}

static int write_new(struct plan *head, const struct plan_difference *d, const struct frame_source *frame,
		     uint64_t *bytes)
{
	char *text;
	int fd;

	head->fs_base = frame->regs->fs_base;
	head->gs_base = frame->regs->gs_base;
	head->frame_bytes = frame_bytes(frame->xstate_bytes);
	head->frame_sp = UC_SCRATCH_BASE;
	text = lay_out(head, d, bytes);
	frame_build(text + head->frame_offset, head->frame_sp, frame);
	fd = write_sealed(text, *bytes);
	free(text);
	return fd;
}

int plan_write(const struct layout *layout, const struct frame_source *frame, uint64_t clock_monotonic_ns,
	       uint64_t *bytes)
{
	struct plan head = { .clock_monotonic_ns = clock_monotonic_ns };
	struct plan_difference all = { .maps = layout->maps, .map_count = layout->map_count };

	return write_new(&head, &all, frame, bytes);
}

int plan_write_resumed(const struct plan_difference *difference, const struct frame_source *frame,
		       uint64_t clock_monotonic_ns, uint64_t *bytes)
{
	struct plan head = { .flags = PLAN_RESUMES, .clock_monotonic_ns = clock_monotonic_ns };

	return write_new(&head, difference, frame, bytes);
}

static int write_with_registers_of(int plan_fd, const struct plan_difference *difference, uint32_t flags,
				   uint64_t *bytes)
{
	struct plan head;
	uint64_t frame_at;
	char *text;
	int fd, error = pread_all(plan_fd, &head, sizeof head, 0);

	if (error)
		return error;
	frame_at = head.frame_offset;
	head.flags = flags;
	text = lay_out(&head, difference, bytes);
	error = pread_all(plan_fd, text + head.frame_offset, head.frame_bytes, frame_at);
	fd = error ? error : write_sealed(text, *bytes);
	free(text);
	return fd;
}

int plan_write_compact(int plan_fd, const struct plan_difference *difference, uint64_t *bytes)
{
	return write_with_registers_of(plan_fd, difference, PLAN_COMPACT, bytes);
}

int plan_write_other(int plan_fd, const struct plan_map *maps, size_t count, uint64_t *bytes)
{
	return write_with_registers_of(plan_fd, &(struct plan_difference){ .maps = maps, .map_count = count },
				       0, bytes);
}

/* ---- reading ---- */

int plan_open_at(int fd, uint64_t offset, uint64_t bytes, struct plan_view *view)
{
	void *text = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, (off_t)offset);

	if (text == MAP_FAILED)
		return -errno;
	*view = (struct plan_view){
		.head = text,
		.bytes = bytes,
		.maps = (const struct plan_map *)((const struct plan *)text + 1),
		.changes = (const char *)text + ((const struct plan *)text)->changes_offset,
	};
	return 0;
}

int plan_open(int plan_fd, struct plan_view *view)
{
	struct stat st;

	return fstat(plan_fd, &st) < 0 ? -errno : plan_open_at(plan_fd, 0, (uint64_t)st.st_size, view);
}

void plan_close(struct plan_view *view)
{
	if (view->head)
		munmap((void *)view->head, view->bytes);
	*view = (struct plan_view){ 0 };
}

long plan_read_maps(int plan_fd, struct plan_map **maps)
{
	struct plan p;
	int error = pread_all(plan_fd, &p, sizeof p, 0);

	if (error)
		return error;
	*maps = xcalloc(p.map_count ? p.map_count : 1, sizeof **maps);
	error = pread_all(plan_fd, *maps, p.map_count * sizeof **maps, sizeof p);
	if (error) {
		free(*maps);
		return error;
	}
	return (long)p.map_count;
}
