/* Calls for files of the host (seuss run): operation, argument and path are the guest's. */
#include "../../tender/uc/hostfs.c"
#include "fuzz.h"

#include <sys/stat.h>

static struct uc uc;
static dev_t root_device;

void link_send(struct tender *t, struct uc *to, const struct link_frame *frame, const void *payload,
	       const int *fds, int fd_count)
{
	const struct link_fs_reply *reply = payload;
	struct stat status;

	(void)t;
	if (to != &uc || frame->len < sizeof *reply || frame->len > LINK_PAYLOAD_MAX)
		abort();
	/* Whatever is handed over is a regular file below the folder that is served. */
	if (fd_count &&
	    (fstat(fds[0], &status) < 0 || !S_ISREG(status.st_mode) || status.st_dev != root_device))
		abort();
}

static void serve(void)
{
	static const char mounts[] = "/\0/usr/include\0/inner\0/usr/include/linux";
	struct stat status;
	int error;

	uc.hostfs = hostfs_new(mounts, sizeof mounts, &error);
	if (error || stat("/usr/include", &status) < 0)
		abort();
	root_device = status.st_dev;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_frame frame = { .type = LINK_FS_CALL, .len = (uint32_t)size };

	if (!uc.hostfs)
		serve();
	hostfs_call(NULL, &uc, &frame, data);
	return 0;
}

uint8_t *fuzz_seed(unsigned number, size_t *size)
{
	static const char *const paths[] = { "/stdio.h",       "/inner/fs.h", "/sys/../stdio.h",
					     "/linux//./fs.h", "/",           "/inner/" };
	uint8_t *seed = malloc(sizeof(struct link_fs_call) + 64);
	struct link_fs_call call = { .op = 1 + number % 4, .arg = number / 8 };

	if (number >= 4 * sizeof paths / sizeof paths[0]) {
		free(seed);
		return NULL;
	}
	memcpy(seed, &call, sizeof call);
	*size = sizeof call + strlen(paths[number / 4]);
	memcpy(seed + sizeof call, paths[number / 4], strlen(paths[number / 4]));
	return seed;
}
