#include "uc/hostfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/link.h"
#include "base/base.h"
#include "uc/hostfs_ops.h"
#include "uc/link_hub.h"
#include "uc/uc.h"

struct mount {
	char *guest_dir; /* no trailing slash; "" is the root */
	int fd;
};

struct hostfs {
	int count;
	struct mount *mounts;
};

static const char *next_string(const char **text, size_t *left)
{
	const char *s = *text, *end = memchr(s, '\0', *left);

	if (!end)
		return NULL;
	*left -= (size_t)(end + 1 - s);
	*text = end + 1;
	return s;
}

static void strip_slashes(char *path)
{
	size_t n = strlen(path);

	while (n && path[n - 1] == '/')
		path[--n] = '\0';
}

static int add_mount(struct hostfs *fs, const char *guest_dir, const char *host_dir)
{
	int fd = open(host_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *copy;

	if (fd < 0)
		return errno;
	copy = strdup(guest_dir);
	if (!copy)
		fatal(ENOMEM, "strdup");
	strip_slashes(copy);
	fs->mounts = xrealloc(fs->mounts, (size_t)(fs->count + 1) * sizeof *fs->mounts);
	fs->mounts[fs->count++] = (struct mount){ copy, fd };
	return 0;
}

struct hostfs *hostfs_new(const char *text, size_t bytes, int *error)
{
	struct hostfs *fs = xcalloc(1, sizeof *fs);

	*error = 0;
	while (bytes && !*error) {
		const char *guest_dir = next_string(&text, &bytes);
		const char *host_dir = guest_dir ? next_string(&text, &bytes) : NULL;

		*error = host_dir && guest_dir[0] == '/' ? add_mount(fs, guest_dir, host_dir) : EINVAL;
	}
	if (!*error && (!fs->count || fs->mounts[0].guest_dir[0]))
		*error = EINVAL;
	if (*error) {
		hostfs_free(fs);
		fs = NULL;
	}
	return fs;
}

void hostfs_free(struct hostfs *fs)
{
	if (!fs)
		return;
	for (int i = 0; i < fs->count; i++) {
		free(fs->mounts[i].guest_dir);
		close(fs->mounts[i].fd);
	}
	free(fs->mounts);
	free(fs);
}

/* A path that climbs would make the choice of the mount meaningless. */
static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* The mount with the longest name that leads path; *rest is the path below it. */
static int choose_mount(const struct hostfs *fs, const char *path, const char **rest)
{
	size_t best = 0;
	int fd = -1;

	for (int i = 0; i < fs->count; i++) {
		size_t n = strlen(fs->mounts[i].guest_dir);

		if (strncmp(path, fs->mounts[i].guest_dir, n) || (path[n] != '/' && path[n] != '\0'))
			continue;
		if (fd >= 0 && n < best)
			continue;
		best = n;
		fd = fs->mounts[i].fd;
	}
	*rest = path + best;
	while (**rest == '/')
		(*rest)++;
	if (!**rest)
		*rest = ".";
	return fd;
}

static int carry_out(struct hostfs *fs, const struct link_fs_call *call, const char *path,
		     struct hostfs_answer *answer)
{
	const char *rest;
	int root;

	if (path[0] != '/' || climbs(path))
		return EINVAL;
	root = choose_mount(fs, path, &rest);
	switch (call->op) {
	case LINK_FS_STAT:
		return hostfs_stat(root, rest, answer);
	case LINK_FS_OPEN:
		return hostfs_open(root, rest, answer);
	case LINK_FS_READLINK:
		return hostfs_readlink(root, rest, answer);
	case LINK_FS_READDIR:
		return hostfs_readdir(root, rest, call->arg, answer);
	default:
		return ENOSYS;
	}
}

bool hostfs_call(struct tender *t, struct uc *uc, const struct link_frame *frame, const void *payload)
{
	struct link_frame reply = { .type = LINK_FS_REPLY, .tag = frame->tag };
	struct hostfs_answer answer = { .fd = -1 };
	struct link_fs_call call;
	char path[HOSTFS_PATH_MAX];
	size_t length;

	if (!uc->hostfs || frame->len < sizeof call)
		return false;
	length = frame->len - sizeof call;
	memcpy(&call, payload, sizeof call);
	if (length >= sizeof path) {
		answer.reply.error = ENAMETOOLONG;
	} else {
		memcpy(path, (const char *)payload + sizeof call, length);
		path[length] = '\0';
		answer.reply.error =
			strlen(path) + 1 < length ? EINVAL : carry_out(uc->hostfs, &call, path, &answer);
	}
	if (answer.reply.error)
		answer.bytes = 0;
	if (answer.fd >= 0)
		uc->has_host_files = true;
	reply.len = (uint32_t)(sizeof answer.reply + answer.bytes);
	link_send(t, uc, &reply, &answer, &answer.fd, answer.fd >= 0);
	close_if_open(answer.fd);
	return true;
}
