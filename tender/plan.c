#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sealed.h"

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

int plan_write(const struct layout *layout, const struct frame_source *frame, uint64_t clock_monotonic_ns,
	       uint64_t *bytes)
{
	size_t maps_bytes = layout->map_count * sizeof *layout->maps;
	uint64_t frame_offset = aligned(sizeof(struct plan) + maps_bytes);
	struct plan *p;
	int fd;

	*bytes = frame_offset + frame_bytes(frame->xstate_bytes);
	p = xcalloc(1, *bytes);
	*p = (struct plan){
		.magic = PLAN_MAGIC,
		.version = PLAN_VERSION,
		.map_count = (uint32_t)layout->map_count,
		.fs_base = frame->regs->fs_base,
		.gs_base = frame->regs->gs_base,
		.frame_offset = frame_offset,
		.frame_bytes = *bytes - frame_offset,
		.frame_sp = UC_SCRATCH_BASE + frame_offset,
		.clock_monotonic_ns = clock_monotonic_ns,
	};
	memcpy(p + 1, layout->maps, maps_bytes);
	frame_build((char *)p + frame_offset, p->frame_sp, frame);
	fd = write_sealed(p, *bytes);
	free(p);
	return fd;
}

int plan_write_other(int plan_fd, const struct plan_map *maps, size_t count, uint64_t *bytes)
{
	size_t maps_bytes = count * sizeof *maps;
	char *text = NULL;
	struct plan p;
	int fd = -1, error = pread_all(plan_fd, &p, sizeof p, 0);

	if (!error) {
		uint64_t from = p.frame_offset;

		p.map_count = (uint32_t)count;
		p.touch_count = 0;
		p.frame_offset = aligned(sizeof p + maps_bytes);
		*bytes = p.frame_offset + p.frame_bytes;
		text = xcalloc(1, *bytes);
		memcpy(text, &p, sizeof p);
		if (count)
			memcpy(text + sizeof p, maps, maps_bytes);
		error = pread_all(plan_fd, text + p.frame_offset, p.frame_bytes, from);
	}
	if (!error)
		fd = write_sealed(text, *bytes);
	free(text);
	return error ? error : fd;
}

/* p has its head and the maps of the snapshot; touches are left out. */
static void fill_in(struct plan *p, size_t map_bytes, const struct plan_resumed *r)
{
	char *text = (char *)p;

	if (r->map_count)
		memcpy(text + sizeof *p + map_bytes, r->maps, r->map_count * sizeof *r->maps);
	frame_build(text + p->frame_offset, p->frame_sp, r->frame);
	memcpy(text + p->changes_offset, r->changes, r->change_bytes);
}

int plan_write_resumed(int plan_fd, const struct plan_resumed *r, uint64_t *bytes)
{
	struct plan head, *p;
	size_t map_bytes;
	int fd, error = pread_all(plan_fd, &head, sizeof head, 0);

	if (error)
		return error;
	map_bytes = head.map_count * sizeof *r->maps;
	head.map_count += (uint32_t)r->map_count;
	head.touch_count = 0;
	head.flags = PLAN_RESUMES;
	head.fs_base = r->frame->regs->fs_base;
	head.gs_base = r->frame->regs->gs_base;
	head.frame_offset = aligned(sizeof head + head.map_count * sizeof *r->maps);
	head.frame_bytes = frame_bytes(r->frame->xstate_bytes);
	head.frame_sp = UC_SCRATCH_BASE + head.frame_offset;
	head.changes_offset = head.frame_offset + head.frame_bytes;
	head.changes_bytes = r->change_bytes;
	*bytes = head.changes_offset + head.changes_bytes;
	p = xcalloc(1, *bytes);
	*p = head;
	error = pread_all(plan_fd, p + 1, map_bytes, sizeof head);
	if (!error)
		fill_in(p, map_bytes, r);
	fd = error ? error : write_sealed(p, *bytes);
	free(p);
	return fd;
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
