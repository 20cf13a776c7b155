/* Tenders that die and are replaced beside others that live on, with the probe as the library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define PAGE UC_PAGE_SIZE
/* The probe's own count lies in the megabyte before. */
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;

static uint64_t capture(uint32_t uc)
{
	struct control_captured c;

	CHECK(client_capture(&client, tender, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

static uint64_t root(void)
{
	struct probe_call map = {
		.op = PROBE_HOST_CALL,
		.nr = SYS_mmap,
		.args = { ROOM, ROOM_PAGES * PAGE, PROT_READ | PROT_WRITE, FIXED, -1ul, 0 },
	};
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	CHECK(ask(uc, &map).result == ROOM);
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE, i + 1);
	return capture(uc);
}

static int call(int i, uint16_t type, const void *payload, size_t bytes)
{
	struct message m = client_call(&client, i, type, 0, payload, bytes);
	int error = 0;

	if (m.frame.type == CONTROL_ERROR)
		memcpy(&error, m.payload, sizeof error);
	message_free(&m);
	return error;
}

static int share(int from, uint64_t snapshot, int to)
{
	return call(from, CONTROL_SHARE,
		    &(struct control_share){ .snapshot = snapshot, .index = (uint32_t)to },
		    sizeof(struct control_share));
}

static void drop(uint64_t snapshot)
{
	for (int i = 0; i < CLIENT_TENDERS; i++)
		CHECK(call(i, CONTROL_DROP, &snapshot, sizeof snapshot) == 0);
}

/*
 * A compact child, of the tender that is spoken with, that has written `value` to every page's second word.
 */
static uint64_t child(uint64_t parent, uint64_t value)
{
	uint32_t uc = next_uc++;
	uint64_t made;

	CHECK(client_deploy(&client, tender, uc, parent) == 0);
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE + 8, value + i);
	made = capture(uc);
	CHECK(call(tender, CONTROL_COMPACT, &made, sizeof made) == 0);
	return made;
}

static void check_child(int on, uint64_t snapshot, uint64_t value)
{
	uint32_t uc = next_uc++;

	tender = on;
	CHECK(client_deploy(&client, tender, uc, snapshot) == 0);
	for (uint64_t i = 0; i < ROOM_PAGES; i++) {
		CHECK(peek(uc, ROOM + i * PAGE) == i + 1);
		CHECK(peek(uc, ROOM + i * PAGE + 8) == value + i);
	}
	kill_uc(uc);
}

static void replace(int i)
{
	CHECK(WIFSIGNALED(client_close(&client, i, true)));
	client_open(&client, i);
	client_join(&client, i);
}

static void what_one_had_the_other_has(void)
{
	uint64_t r, of_first, of_second, later;

	tender = 0;
	r = root();
	of_first = child(r, 100);
	tender = 1;
	of_second = child(r, 200);
	replace(0);
	check_child(1, of_first, 100);
	check_child(1, of_second, 200);
	CHECK(client_deploy(&client, 0, next_uc++, of_first) == ENOENT);
	CHECK(share(1, r, 0) == 0 && share(1, of_first, 0) == 0 && share(1, of_second, 0) == 0);
	CHECK(share(1, of_first, 0) == 0);
	check_child(0, of_first, 100);
	check_child(0, of_second, 200);
	/* It goes on with the pack of the one before. */
	tender = 0;
	later = child(r, 300);
	check_child(1, later, 300);
	check_child(1, of_first, 100);
	drop(of_first);
	check_child(0, later, 300);
	replace(1);
	CHECK(share(0, r, 1) == 0 && share(0, later, 1) == 0 && share(0, of_second, 1) == 0);
	check_child(1, of_second, 200);
	check_child(1, later, 300);
	drop(of_second);
	drop(later);
	drop(r);
}

/* What the packs of both tenders take, as tender 0 has them open. */
static uint64_t pack_bytes(void)
{
	uint32_t version = CONTROL_VERSION;
	struct message m = client_call(&client, 0, CONTROL_HELLO, 0, &version, sizeof version);
	struct control_hello hello;
	uint64_t bytes = 0;
	char path[64], name[64];

	CHECK(m.frame.len == sizeof hello);
	memcpy(&hello, m.payload, sizeof hello);
	message_free(&m);
	for (int fd = 0; fd < 256; fd++) {
		struct stat st;
		ssize_t n;

		snprintf(path, sizeof path, "/proc/%u/fd/%d", hello.pid, fd);
		n = readlink(path, name, sizeof name - 1);
		if (n < 0)
			continue;
		name[n] = '\0';
		if (strstr(name, "seuss-pack") && stat(path, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

static void what_only_the_dead_held_is_given_back(void)
{
	uint64_t r, before;

	tender = 1;
	r = root();
	before = pack_bytes();
	for (int round = 0; round < 20; round++) {
		uint64_t c;

		tender = 0;
		if (round)
			CHECK(share(1, r, 0) == 0);
		c = child(r, 1000);
		CHECK(pack_bytes() > before);
		CHECK(call(1, CONTROL_DROP, &c, sizeof c) == 0);
		replace(0);
		CHECK(pack_bytes() == before);
	}
	CHECK(share(1, r, 0) == 0);
	tender = 0;
	check_child(0, child(r, 5), 5);
}

static void alone_it_captures_for_itself(void)
{
	uint64_t r, c;

	CHECK(WIFSIGNALED(client_close(&client, 1, true)));
	tender = 0;
	r = root();
	c = child(r, 7);
	check_child(0, c, 7);
	CHECK(share(0, c, 1) == ENOTCONN);
	client_open(&client, 1);
	client_join(&client, 1);
	CHECK(share(0, c + 1000, 1) == ENOENT);
	/* What it builds on is missing: it is not kept, and that is told. */
	CHECK(share(0, c, 1) == ENOENT);
	CHECK(share(0, r, 1) == 0 && share(0, c, 1) == 0);
	check_child(1, c, 7);
}

static void strangers_are_refused(void)
{
	struct {
		uint32_t index;
		char path[32];
	} join = { .index = 1, .path = "/tmp/none" };
	uint32_t more = 1;

	CHECK(call(0, CONTROL_JOIN, &join, 4 + strlen(join.path)) == ENOENT);
	join.index = 0;
	CHECK(call(0, CONTROL_JOIN, &join, 4 + strlen(join.path)) == EINVAL);
	join.index = CLIENT_TENDERS;
	CHECK(call(0, CONTROL_JOIN, &join, 4 + strlen(join.path)) == EINVAL);
	CHECK(call(0, CONTROL_AWAIT, &more, sizeof more) == EINVAL);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: peers_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(what_one_had_the_other_has);
	RUN(what_only_the_dead_held_is_given_back);
	RUN(alone_it_captures_for_itself);
	RUN(strangers_are_refused);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
