#include "sandbox/huge_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* One huge page at a time. */
#define CHUNK_BYTES (2u << 20)

int huge_fs_open(void)
{
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC), fs = -1;

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "huge", "always", 0) == 0 &&
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) == 0 &&
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fs = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	close(context);
	return fs;
}

static int copy(int from, int to, uint64_t bytes)
{
	char *buffer = xcalloc(1, CHUNK_BYTES);
	uint64_t at = 0;
	int error = 0;

	while (!error && at < bytes) {
		size_t n = bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES;

		error = pread_all(from, buffer, n, at);
		if (!error)
			error = pwrite_all(to, buffer, n, at);
		at += n;
	}
	free(buffer);
	return error;
}

/* The first tender copies under the lock, the others find a whole file. */
static int fill(int file, int to, const struct stat *st)
{
	struct stat have;
	int error;

	if (flock(to, LOCK_EX) < 0 || fstat(to, &have) < 0)
		return -errno;
	if (have.st_size == st->st_size)
		return 0;
	error = copy(file, to, (uint64_t)st->st_size);
	if (error && ftruncate(to, 0) < 0)
		return -errno;
	return error;
}

int huge_image_copy(int fs, int file)
{
	char name[64];
	struct stat st;
	int to, error, fd;

	if (fstat(file, &st) < 0)
		return -errno;
	snprintf(name, sizeof name, "%lx-%lx-%lx", (unsigned long)st.st_dev, (unsigned long)st.st_ino,
		 (unsigned long)st.st_mtim.tv_sec);
	to = openat(fs, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	error = fill(file, to, &st);
	fd = error ? error : openat(fs, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !error)
		fd = -errno;
	close(to);
	return fd;
}
