#include "uc/hostfs_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/base.h"

static int open_in_root(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* Kernel state behind a file's face: nothing that a guest should read, though it looks regular. */
static bool is_kernel_file_system(int fd)
{
	static const unsigned long magic[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC,  TRACEFS_MAGIC,  SECURITYFS_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,   PSTOREFS_MAGIC, EFIVARFS_MAGIC,
		DEVPTS_SUPER_MAGIC, NSFS_MAGIC,          BINFMTFS_MAGIC, SELINUX_MAGIC,  SMACK_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(magic); i++)
		if ((unsigned long)fs.f_type == magic[i])
			return true;
	return false;
}

/* A handle that reads nothing yet: opening a device or a fifo could already have effects. */
static int open_handle(int root, const char *path, struct stat *st)
{
	int fd = open_in_root(root, path, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	if (!S_ISDIR(st->st_mode) && is_kernel_file_system(fd)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static void put_stat(const struct stat *st, struct hostfs_answer *answer)
{
	struct link_fs_stat out = {
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.mtime_s = (uint64_t)st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = (uint32_t)st->st_rdev,
	};

	memcpy(answer->data, &out, sizeof out);
	answer->bytes = sizeof out;
}

int hostfs_stat(int root, const char *path, struct hostfs_answer *answer)
{
	struct stat st;
	int fd = open_handle(root, path, &st);

	if (fd < 0)
		return -fd;
	put_stat(&st, answer);
	close(fd);
	return 0;
}

int hostfs_open(int root, const char *path, struct hostfs_answer *answer)
{
	char handle[64];
	struct stat st;
	int fd = open_handle(root, path, &st);

	if (fd < 0)
		return -fd;
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return S_ISDIR(st.st_mode) ? EISDIR : S_ISLNK(st.st_mode) ? ELOOP : EACCES;
	}
	put_stat(&st, answer);
	snprintf(handle, sizeof handle, "/proc/self/fd/%d", fd);
	answer->fd = open(handle, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (answer->fd < 0) {
		int error = errno;

		close(fd);
		return error;
	}
	close(fd);
	return 0;
}

int hostfs_readlink(int root, const char *path, struct hostfs_answer *answer)
{
	struct stat st;
	int fd = open_handle(root, path, &st);
	ssize_t n;

	if (fd < 0)
		return -fd;
	n = S_ISLNK(st.st_mode) ? readlinkat(fd, "", answer->data, HOSTFS_PATH_MAX) : (errno = EINVAL, -1);
	if (n < 0) {
		int error = errno;

		close(fd);
		return error;
	}
	close(fd);
	answer->bytes = (size_t)n;
	return 0;
}

/* False when the answer is full. */
static bool put_entry(const struct dirent *d, struct hostfs_answer *answer)
{
	size_t length = strlen(d->d_name), padded = (length + 7) & ~7ul;
	struct link_fs_dirent out = { .ino = d->d_ino, .type = d->d_type, .name_len = (uint32_t)length };

	if (sizeof out + padded > sizeof answer->data - answer->bytes)
		return false;
	memcpy(answer->data + answer->bytes, &out, sizeof out);
	memset(answer->data + answer->bytes + sizeof out, 0, padded);
	memcpy(answer->data + answer->bytes + sizeof out, d->d_name, length);
	answer->bytes += sizeof out + padded;
	return true;
}

int hostfs_readdir(int root, const char *path, uint64_t skip, struct hostfs_answer *answer)
{
	int fd = open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return errno;
	if (is_kernel_file_system(fd)) {
		close(fd);
		return EACCES;
	}
	dir = fdopendir(fd);
	if (!dir) {
		int error = errno;

		close(fd);
		return error;
	}
	while ((d = readdir(dir)))
		if (skip)
			skip--;
		else if (!put_entry(d, answer))
			break;
	closedir(dir);
	return 0;
}
