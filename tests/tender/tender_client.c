#include "tender_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define TIMEOUT_MS 15000
#define SILENCE_MS 10000

static void exec_tender(const struct client *c, int control, int index)
{
	char number[2] = { (char)('0' + index) }, count[2] = { (char)('0' + CLIENT_TENDERS) };

	CHECK(dup2(fcntl(control, F_DUPFD, 50), 3) == 3);
	CHECK(close_range(4, ~0u, 0) == 0);
	execl(c->tender, c->tender, "--libos", c->libos, "--cpu", "0", "--index", number, "--count", count,
	      "--peers", c->paths[index], "--memory-max", c->memory_max, "--memory-group", c->group, NULL);
	CHECK(!"exec of the tender");
}

void client_open(struct client *c, int i)
{
	uint32_t version = CONTROL_VERSION;
	struct message hello;
	int pair[2];

	snprintf(c->paths[i], sizeof c->paths[i], "%s/%d-%u", c->dir, i, c->next_seq);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	c->socks[i] = pair[0];
	c->pids[i] = fork();
	CHECK(c->pids[i] >= 0);
	if (c->pids[i] == 0)
		exec_tender(c, pair[1], i);
	close(pair[1]);
	hello = client_call(c, i, CONTROL_HELLO, 0, &version, sizeof version);
	CHECK(hello.frame.type == CONTROL_OK);
	message_free(&hello);
}

static void expect_ok(struct client *c, int i, uint32_t seq)
{
	struct message m;

	do {
		CHECK(client_receive(c, i, TIMEOUT_MS, &m));
		CHECK(m.frame.seq != seq || m.frame.type == CONTROL_OK);
		message_free(&m);
	} while (m.frame.seq != seq);
}

void client_join(struct client *c, int i)
{
	uint32_t await = c->next_seq++, others = 0, seqs[CLIENT_TENDERS] = { 0 };
	struct {
		uint32_t index;
		char path[64];
	} join = { .index = (uint32_t)i };

	memcpy(join.path, c->paths[i], sizeof join.path);
	for (int other = 0; other < CLIENT_TENDERS; other++) {
		if (other == i || c->socks[other] < 0)
			continue;
		seqs[other] = c->next_seq++;
		others++;
		client_send(c, other, CONTROL_JOIN, 0, 0, seqs[other], &join,
			    offsetof(typeof(join), path) + strlen(join.path));
	}
	client_send(c, i, CONTROL_AWAIT, 0, 0, await, &others, sizeof others);
	expect_ok(c, i, await);
	for (int other = 0; other < CLIENT_TENDERS; other++)
		if (seqs[other])
			expect_ok(c, other, seqs[other]);
	CHECK(unlink(c->paths[i]) == 0);
}

void client_start(struct client *c, const char *tender, const char *libos)
{
	client_start_within(c, tender, libos, "0");
}

void client_start_within(struct client *c, const char *tender, const char *libos, const char *memory_max)
{
	*c = (struct client){ .next_seq = 1,
			      .tender = tender,
			      .libos = libos,
			      .memory_max = memory_max,
			      .dir = "/tmp/tender-XXXXXX" };
	CHECK(mkdtemp(c->dir));
	snprintf(c->group, sizeof c->group, "seuss-test-%d", getpid());
	for (int i = 0; i < CLIENT_TENDERS; i++)
		c->socks[i] = -1;
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		client_open(c, i);
		client_join(c, i);
	}
}

int client_close(struct client *c, int i, bool kills)
{
	int status;

	if (kills)
		CHECK(kill(c->pids[i], SIGKILL) == 0);
	close(c->socks[i]);
	c->socks[i] = -1;
	CHECK(waitpid(c->pids[i], &status, 0) == c->pids[i]);
	return status;
}

int client_stop(struct client *c)
{
	int status = 0;

	for (int i = 0; i < CLIENT_TENDERS; i++) {
		int ended = client_close(c, i, false);

		status = status ? status : ended;
	}
	CHECK(rmdir(c->dir) == 0);
	return status;
}

static void write_all(int fd, const void *data, size_t bytes)
{
	const char *p = data;

	while (bytes) {
		ssize_t n = write(fd, p, bytes);

		CHECK(n > 0);
		p += n;
		bytes -= (size_t)n;
	}
}

static void read_all(int fd, void *data, size_t bytes)
{
	char *p = data;

	while (bytes) {
		ssize_t n = read(fd, p, bytes);

		CHECK(n > 0);
		p += n;
		bytes -= (size_t)n;
	}
}

void client_send(struct client *c, int i, uint16_t type, uint16_t flags, uint32_t uc, uint32_t seq,
		 const void *payload, size_t bytes)
{
	struct control_frame frame = {
		.len = (uint32_t)bytes, .type = type, .flags = flags, .uc = uc, .seq = seq
	};

	write_all(c->socks[i], &frame, sizeof frame);
	write_all(c->socks[i], payload, bytes);
}

bool client_receive(struct client *c, int i, int timeout_ms, struct message *m)
{
	struct pollfd p = { .fd = c->socks[i], .events = POLLIN };

	if (poll(&p, 1, timeout_ms) != 1)
		return false;
	read_all(c->socks[i], &m->frame, sizeof m->frame);
	CHECK(m->frame.len <= CONTROL_PAYLOAD_MAX);
	m->payload = calloc(1, m->frame.len + 1);
	CHECK(m->payload);
	read_all(c->socks[i], m->payload, m->frame.len);
	return true;
}

void message_free(struct message *m)
{
	free(m->payload);
	m->payload = NULL;
}

struct message client_call(struct client *c, int i, uint16_t type, uint32_t uc, const void *payload,
			   size_t bytes)
{
	uint32_t seq = c->next_seq++;
	struct message m;

	client_send(c, i, type, 0, uc, seq, payload, bytes);
	for (;;) {
		CHECK(client_receive(c, i, TIMEOUT_MS, &m));
		if (m.frame.seq == seq)
			return m;
		message_free(&m);
	}
}

struct control_hello client_greet(struct client *c, int i)
{
	uint32_t version = CONTROL_VERSION;
	struct message m = client_call(c, i, CONTROL_HELLO, 0, &version, sizeof version);
	struct control_hello hello;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof hello);
	memcpy(&hello, m.payload, sizeof hello);
	message_free(&m);
	return hello;
}

static int error_of(const struct message *m)
{
	int32_t error = 0;

	if (m->frame.type == CONTROL_ERROR)
		memcpy(&error, m->payload, sizeof error);
	return error;
}

void client_boot(struct client *c, int i, uint32_t uc, uint64_t memory_limit, const char *root)
{
	struct {
		struct control_boot head;
		char text[512];
	} boot = { .head = { .memory_limit = memory_limit, .root = LINK_ROOT_HOST, .argc = 1 } };
	size_t length = strlen(root);
	struct message m;
	char *p = boot.text;

	CHECK(length < 256);
	/* argv, the working directory, then the host root. */
	memcpy(p, "probe\0/", 8);
	p += 8;
	boot.head.host_root_len = (uint32_t)(2 + length + 1);
	memcpy(p, "/", 2);
	memcpy(p + 2, root, length + 1);
	m = client_call(c, i, CONTROL_BOOT, uc, &boot, (size_t)(p + 2 + length + 1 - (char *)&boot));
	if (m.frame.type == CONTROL_ERROR)
		fprintf(stderr, "boot: %s\n", m.payload + 4);
	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof(struct control_started));
	message_free(&m);
}

struct control_stat client_stat(struct client *c, int i, uint32_t uc)
{
	struct message m = client_call(c, i, CONTROL_STAT, uc, "", 0);
	struct control_stat stat;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof stat);
	memcpy(&stat, m.payload, sizeof stat);
	message_free(&m);
	return stat;
}

void client_await_cpu(struct client *c, int i, uint32_t uc, uint64_t ns)
{
	uint64_t begin = client_stat(c, i, uc).cpu_ns;
	struct control_stat stat;
	int ms = 0;

	do {
		CHECK(ms++ < TIMEOUT_MS);
		usleep(1000);
		stat = client_stat(c, i, uc);
	} while (stat.cpu_ns < begin + ns);
	CHECK(stat.state == 'R');
}

int client_capture(struct client *c, int i, uint32_t uc, uint64_t snapshot, bool keep,
		   struct control_captured *out)
{
	struct control_capture request = { .snapshot = snapshot, .flags = keep ? CONTROL_CAPTURE_KEEP : 0 };
	struct message m = client_call(c, i, CONTROL_CAPTURE, uc, &request, sizeof request);
	int error = error_of(&m);

	if (!error) {
		CHECK(m.frame.len == sizeof *out);
		memcpy(out, m.payload, sizeof *out);
	}
	message_free(&m);
	return error;
}

int client_deploy(struct client *c, int i, uint32_t uc, uint64_t snapshot)
{
	struct control_deploy request = { .snapshot = snapshot, .memory_limit = 64u << 20 };
	struct message m = client_call(c, i, CONTROL_DEPLOY, uc, &request, sizeof request);
	int error = error_of(&m);

	message_free(&m);
	return error;
}

int client_demote(struct client *c, int i, uint32_t uc, uint64_t snapshot, struct control_demoted *out)
{
	struct control_demote request = { .snapshot = snapshot };
	struct message m = client_call(c, i, CONTROL_DEMOTE, uc, &request, sizeof request);
	int error = error_of(&m);

	if (!error) {
		CHECK(m.frame.len == sizeof *out);
		memcpy(out, m.payload, sizeof *out);
	}
	message_free(&m);
	return error;
}

int client_reset(struct client *c, int i, uint32_t uc)
{
	struct message m = client_call(c, i, CONTROL_RESET, uc, "", 0);
	int error = error_of(&m);

	CHECK(error || m.frame.len == sizeof(struct control_started));
	message_free(&m);
	return error;
}

int client_promote(struct client *c, int i, uint32_t uc)
{
	struct message m = client_call(c, i, CONTROL_PROMOTE, uc, "", 0);
	int error = error_of(&m);

	CHECK(error || m.frame.len == sizeof(struct control_started));
	message_free(&m);
	return error;
}

static bool is_event_of(const struct message *m, uint16_t type, uint32_t uc)
{
	return m->frame.type == type && m->frame.uc == uc && m->frame.seq == 0;
}

enum probe_end client_probe(struct client *c, int i, uint32_t uc, const struct probe_call *call,
			    struct probe_result *result)
{
	return client_probe_within(c, i, uc, call, SILENCE_MS, result);
}

enum probe_end client_probe_within(struct client *c, int i, uint32_t uc, const struct probe_call *call,
				   int silence_ms, struct probe_result *result)
{
	struct message m;

	client_send(c, i, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, call, sizeof *call);
	while (client_receive(c, i, silence_ms, &m)) {
		bool answer = is_event_of(&m, CONTROL_LINK, uc) && m.frame.flags == LINK_DRIVER_OUT;
		bool end = is_event_of(&m, CONTROL_EXIT, uc);

		if (answer) {
			CHECK(m.frame.len == sizeof *result);
			memcpy(result, m.payload, sizeof *result);
		}
		if (end)
			memcpy(&c->last_exit, m.payload, sizeof c->last_exit);
		message_free(&m);
		if (answer || end)
			return answer ? PROBE_ANSWERED : PROBE_ENDED;
	}
	return PROBE_SILENT;
}

void client_await_exit(struct client *c, int i, uint32_t uc)
{
	struct message m;
	bool end = false;

	while (!end) {
		CHECK(client_receive(c, i, TIMEOUT_MS, &m));
		end = is_event_of(&m, CONTROL_EXIT, uc);
		if (end)
			memcpy(&c->last_exit, m.payload, sizeof c->last_exit);
		message_free(&m);
	}
}
