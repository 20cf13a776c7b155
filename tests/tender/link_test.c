/* What a UC says on its link: frames, good and bad, and the files of its host. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY (64ul << 20)

static uint32_t next_uc = 1;
static char root[64];

static uint32_t boot(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, root);
	return uc;
}

/* ---- frames ---- */

static void bad_frames_kill(void)
{
	static const struct {
		uint64_t type, claimed, bytes;
	} frames[] = {
		{ LINK_BOOT, 0, 0 },           { LINK_DRIVER_IN, 4, 4 }, { 999, 0, 0 },
		{ LINK_DEPLOYED, 8, 8 },       { LINK_STDOUT, 5, 4 },    { LINK_STDOUT, 4, 5 },
		{ LINK_STDOUT, ~0u, 16 },      { LINK_EXIT, 4, 4 },      { LINK_FS_CALL, 3, 3 },
		{ LINK_STDOUT, 65536, 65535 },
	};

	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		uint32_t uc = boot();
		struct probe_call call = { .op = PROBE_SEND_FRAME,
					   .args = { frames[i].type, frames[i].claimed, frames[i].bytes } };

		client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &call, sizeof call);
		client_await_exit(&client, 0, uc);
		CHECK(client.last_exit.reason == CONTROL_EXIT_PROTOCOL);
	}
}

static void send_frame(uint32_t uc, uint16_t type, uint64_t claimed, uint64_t bytes)
{
	struct probe_call call = { .op = PROBE_SEND_FRAME, .args = { type, claimed, bytes } };

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &call, sizeof call);
}

static void all_frames_end_with_a_bad_one(void)
{
	uint32_t uc = boot();
	bool refused = false, gone = false;

	send_frame(uc, LINK_STDOUT, 5, 4);
	for (int i = 0; i < 8; i++)
		send_frame(uc, LINK_STDOUT, 8, 8);
	while (!gone) {
		struct message m;

		CHECK(client_receive(&client, 0, 5000, &m));
		CHECK(!refused || m.frame.type == CONTROL_EXIT);
		refused |= m.frame.type == CONTROL_LINK && m.frame.flags == LINK_PANIC;
		gone = m.frame.type == CONTROL_EXIT;
		message_free(&m);
	}
	CHECK(refused);
}

/* Whether the good ones are sent before the kill is up to the host's scheduler. */
static void nothing_passes_after_a_bad_frame(void)
{
	for (int i = 0; i < 20; i++)
		all_frames_end_with_a_bad_one();
}

static void good_frames_pass(void)
{
	uint32_t uc = boot();
	struct probe_call call = { .op = PROBE_SEND_FRAME,
				   .args = { LINK_STDOUT, LINK_PAYLOAD_MAX, LINK_PAYLOAD_MAX } };
	struct message m;

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &call, sizeof call);
	CHECK(client_receive(&client, 0, 5000, &m));
	CHECK(m.frame.type == CONTROL_LINK && m.frame.flags == LINK_STDOUT &&
	      m.frame.len == LINK_PAYLOAD_MAX);
	message_free(&m);
	CHECK(client_receive(&client, 0, 5000, &m));
	message_free(&m);
	kill_uc(uc);
}

/* ---- the host root ---- */

static uint64_t fs(uint32_t uc, uint32_t op, const char *path)
{
	struct probe_call call = { .op = PROBE_FS, .args = { op } };

	CHECK(strlen(path) <= 40);
	memcpy(&call.args[1], path, strlen(path));
	return ask(uc, &call).result;
}

static void host_files_stay_below_their_root(void)
{
	uint32_t uc = boot();

	CHECK(fs(uc, LINK_FS_OPEN, "/file") == PROBE_GOT_FD);
	CHECK(fs(uc, LINK_FS_STAT, "/") == 0);
	CHECK(fs(uc, LINK_FS_READDIR, "/") == 0);
	CHECK(fs(uc, LINK_FS_READLINK, "/out") == 0);
	CHECK(fs(uc, LINK_FS_OPEN, "/none") == ENOENT);
	CHECK(fs(uc, LINK_FS_OPEN, "/../file") == EINVAL);
	CHECK(fs(uc, LINK_FS_OPEN, "file") == EINVAL);
	CHECK(fs(uc, LINK_FS_OPEN, "/out") == ELOOP);
	CHECK(fs(uc, LINK_FS_OPEN, "/out/passwd") == ENOENT);
	CHECK(fs(uc, LINK_FS_OPEN, "/fifo") == EACCES);
	CHECK(fs(uc, LINK_FS_OPEN, "/dir") == EISDIR);
	CHECK(fs(uc, 99, "/") == ENOSYS);
	kill_uc(uc);
}

static void kernel_files_are_hidden(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(fs(uc, LINK_FS_STAT, "/proc") == 0);
	CHECK(fs(uc, LINK_FS_OPEN, "/proc/1/environ") == ENOENT);
	CHECK(fs(uc, LINK_FS_OPEN, "/proc/self/mem") == ENOENT);
	CHECK(fs(uc, LINK_FS_READDIR, "/proc") == EACCES);
	CHECK(fs(uc, LINK_FS_OPEN, "/dev/null") == EACCES);
	CHECK(fs(uc, LINK_FS_OPEN, "/etc/passwd") == PROBE_GOT_FD);
	kill_uc(uc);
}

static void a_uc_with_host_files_is_not_captured(void)
{
	struct control_captured c;
	uint32_t uc = boot();

	CHECK(fs(uc, LINK_FS_OPEN, "/file") == PROBE_GOT_FD);
	CHECK(client_capture(&client, 0, uc, 5, false, &c) == EOPNOTSUPP);
	kill_uc(uc);
}

static void make_root(void)
{
	char path[128];
	int fd;

	strcpy(root, "/tmp/seuss-live-test.XXXXXX");
	CHECK(mkdtemp(root));
	snprintf(path, sizeof path, "%s/file", root);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0);
	close(fd);
	snprintf(path, sizeof path, "%s/out", root);
	CHECK(symlink("/etc", path) == 0);
	snprintf(path, sizeof path, "%s/fifo", root);
	CHECK(mkfifo(path, 0600) == 0);
	snprintf(path, sizeof path, "%s/dir", root);
	CHECK(mkdir(path, 0700) == 0);
}

static void remove_root(void)
{
	static const char *const names[] = { "file", "out", "fifo", "dir" };
	char path[128];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", root, names[i]);
		CHECK(remove(path) == 0);
	}
	CHECK(rmdir(root) == 0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: link_test TENDER PROBE\n");
		return 2;
	}
	make_root();
	client_start(&client, argv[1], argv[2]);
	RUN(good_frames_pass);
	RUN(bad_frames_kill);
	RUN(nothing_passes_after_a_bad_frame);
	RUN(host_files_stay_below_their_root);
	RUN(kernel_files_are_hidden);
	RUN(a_uc_with_host_files_is_not_captured);
	CHECK(WIFEXITED(client_stop(&client)));
	remove_root();
	return 0;
}
