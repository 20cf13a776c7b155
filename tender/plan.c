#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sealed.h"

#define FRAME_ALIGN 64u

int plan_write(const struct layout *layout, const struct frame_source *frame, uint64_t clock_monotonic_ns,
	       uint64_t *bytes)
{
	size_t maps_bytes = layout->map_count * sizeof *layout->maps;
	uint64_t frame_offset = (sizeof(struct plan) + maps_bytes + FRAME_ALIGN - 1) & ~(uint64_t)(FRAME_ALIGN - 1);
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
	fd = sealed_create("seuss-plan");
	if (fd >= 0) {
		int error = pwrite_all(fd, p, *bytes, 0);

		fd = error ? (close(fd), error) : sealed_finish(fd);
	}
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
