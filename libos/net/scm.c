/* Control messages: SCM_RIGHTS, SCM_CREDENTIALS, hop limit and traffic class of IPv6. */
#include "scm.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "process/ids.h"

#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2

struct cmsg_header {
	u64 len; /* header included */
	s32 level, type;
};

struct cmsg_creds {
	s32 pid;
	u32 uid, gid;
};

static int in_flight;

static struct scm_files *scm_files_new(u32 room)
{
	struct scm_files *files = kmalloc(sizeof *files + room * sizeof files->file[0]);

	if (files)
		files->count = 0;
	return files;
}

/* Makes room for count more behind those of scm, if any. */
static bool scm_files_reserve(struct scm *scm, u32 count)
{
	struct scm_files *files;

	if (!scm->files)
		return (scm->files = scm_files_new(count));
	files = krealloc(scm->files, sizeof *files + (scm->files->count + count) * sizeof files->file[0]);
	if (files)
		scm->files = files;
	return files;
}

static void scm_files_add(struct scm_files *files, struct file *f)
{
	files->file[files->count++] = f;
	in_flight++;
}

struct scm_files *scm_files_dup(const struct scm_files *files)
{
	struct scm_files *copy = scm_files_new(files->count);

	for (u32 i = 0; copy && i < files->count; i++)
		scm_files_add(copy, file_get(files->file[i]));
	return copy;
}

void scm_drop(struct scm *scm)
{
	static struct list_node doomed = { &doomed, &doomed };
	static bool dropping;

	if (!scm->files)
		return;
	list_add_tail(&scm->files->node, &doomed);
	scm->files = NULL;
	if (dropping)
		return;
	dropping = true;
	while (!list_empty(&doomed)) {
		struct scm_files *files = list_entry(doomed.next, struct scm_files, node);

		list_del(&files->node);
		in_flight -= files->count;
		for (u32 i = 0; i < files->count; i++)
			file_put(files->file[i]);
		kfree(files);
	}
	dropping = false;
}

/* Collects the files of one SCM_RIGHTS message, behind those of earlier ones. */
static int scm_parse_rights(struct scm *scm, u64 addr, u64 bytes)
{
	u32 have = scm->files ? scm->files->count : 0;
	u64 count = bytes / sizeof(int);

	if (!count)
		return 0;
	if (count > SCM_FILES_MAX - have)
		return -EINVAL;
	if (in_flight + (int)count > fd_limit())
		return -ETOOMANYREFS;
	if (!scm_files_reserve(scm, count))
		return -ENOMEM;
	for (u64 i = 0; i < count; i++) {
		u32 fd;

		if (get_user_u32(&fd, addr + i * sizeof fd))
			return -EFAULT;
		struct file *f = fd_get(fd);
		if (!f)
			return -EBADF;
		if (f->flags & O_PATH) {
			file_put(f);
			return -EBADF;
		}
		scm_files_add(scm->files, f);
	}
	return 0;
}

/* There is one process: whoever sends is it. */
static int scm_parse_creds(u64 addr, u64 bytes)
{
	struct cmsg_creds c;

	if (bytes != sizeof c)
		return -EINVAL;
	if (copy_from_user(&c, addr, sizeof c))
		return -EFAULT;
	return is_process_id(c.pid) && c.uid == UC_UID && c.gid == UC_GID ? 0 : -EPERM;
}

static int scm_parse_ipv6(struct scm *scm, int type, u64 addr, u64 bytes)
{
	u32 value;

	if (bytes < sizeof value || get_user_u32(&value, addr))
		return -EINVAL;
	if ((s32)value < -1 || (s32)value > 255)
		return -EINVAL;
	if (type == IPV6_HOPLIMIT)
		scm->hop_limit = value;
	else if (type == IPV6_TCLASS)
		scm->traffic_class = value;
	return 0;
}

static int scm_parse_one(struct scm *scm, const struct sock *s, const struct cmsg_header *h, u64 addr)
{
	u64 bytes = h->len - sizeof *h;

	if (h->level == SOL_SOCKET && h->type == SCM_RIGHTS)
		return s->family == AF_UNIX ? scm_parse_rights(scm, addr, bytes) : -EINVAL;
	if (h->level == SOL_SOCKET && h->type == SCM_CREDENTIALS)
		return s->family == AF_UNIX ? scm_parse_creds(addr, bytes) : -EINVAL;
	if (h->level == SOL_SOCKET)
		return -EINVAL;
	if (h->level == IPPROTO_IPV6 && s->family == AF_INET6 && s->type == SOCK_DGRAM)
		return scm_parse_ipv6(scm, h->type, addr, bytes);
	return 0;
}

int scm_parse(struct scm *scm, const struct sock *s, u64 addr, u64 bytes)
{
	struct cmsg_header h;
	int r = 0;

	*scm = SCM_NONE;
	while (!r && bytes >= sizeof h) {
		if (copy_from_user(&h, addr, sizeof h)) {
			r = -EFAULT;
			break;
		}
		if (h.len < sizeof h || h.len > bytes) {
			r = -EINVAL;
			break;
		}
		r = scm_parse_one(scm, s, &h, addr + sizeof h);
		u64 step = MIN(ALIGN_UP(h.len, sizeof(u64)), bytes);
		addr += step;
		bytes -= step;
	}
	if (r)
		scm_drop(scm);
	return r;
}

/* Room for one message with want payload bytes: how many fit. */
static u64 scm_room(struct scm_writer *w, u64 want)
{
	u64 header = sizeof(struct cmsg_header);

	if (w->left >= header + want)
		return want;
	w->truncated = true;
	return w->left > header ? w->left - header : 0;
}

static void scm_emit(struct scm_writer *w, int level, int type, const void *data, u64 bytes)
{
	struct cmsg_header h = { .len = sizeof h + bytes, .level = level, .type = type };
	u64 step = MIN(ALIGN_UP(h.len, sizeof(u64)), w->left);

	if (copy_to_user(w->addr, &h, sizeof h) || copy_to_user(w->addr + sizeof h, data, bytes)) {
		w->truncated = true;
		return;
	}
	w->addr += step;
	w->left -= step;
	w->used += step;
}

static void scm_write_data(struct scm_writer *w, int level, int type, const void *data, u64 bytes)
{
	if (scm_room(w, bytes) == bytes)
		scm_emit(w, level, type, data, bytes);
}

/* As many files as there is room and descriptors for; the rest is dropped and MSG_CTRUNC says so. */
static void scm_write_rights(struct scm_writer *w, struct scm_files *files, bool cloexec)
{
	u32 room = scm_room(w, files->count * sizeof(int)) / sizeof(int);
	int fds[SCM_FILES_MAX];
	u32 count = 0;

	while (count < MIN(room, files->count)) {
		int fd = fd_install(file_get(files->file[count]), 0, cloexec);

		if (fd < 0) {
			w->truncated = true;
			break;
		}
		fds[count++] = fd;
	}
	if (count)
		scm_emit(w, SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof fds[0]);
}

void scm_write(struct scm_writer *w, struct sock *s, struct scm *scm, bool cloexec)
{
	struct cmsg_creds creds = { .pid = process_id(), .uid = UC_UID, .gid = UC_GID };

	if (s->family == AF_UNIX && s->pass_cred)
		scm_write_data(w, SOL_SOCKET, SCM_CREDENTIALS, &creds, sizeof creds);
	if (scm->files)
		scm_write_rights(w, scm->files, cloexec);
	scm_drop(scm);
	if (scm->hop_limit >= 0 && sockopt_stored(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT))
		scm_write_data(w, IPPROTO_IPV6, IPV6_HOPLIMIT, &scm->hop_limit, sizeof(s32));
	if (scm->traffic_class >= 0 && sockopt_stored(s, IPPROTO_IPV6, IPV6_RECVTCLASS))
		scm_write_data(w, IPPROTO_IPV6, IPV6_TCLASS, &scm->traffic_class, sizeof(s32));
}
