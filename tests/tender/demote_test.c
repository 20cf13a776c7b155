/* UCs without a process: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
/* The probe's own count lies in the megabyte before. */
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul
#define PAGE UC_PAGE_SIZE
#define SPIN_NS 10000000

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;

static uint64_t fill(uint32_t uc, uint64_t addr, uint64_t bytes)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_FILL, .args = { addr, bytes } }).result;
}

static void map(uint32_t uc, uint64_t addr, uint64_t pages)
{
	struct probe_call call = { .op = PROBE_HOST_CALL,
				   .nr = SYS_mmap,
				   .args = { addr, pages * PAGE, 3, FIXED, -1ul, 0 } };

	CHECK(ask(uc, &call).result == addr);
}

static void drop(uint64_t snapshot)
{
	struct message m = client_call(&client, 0, CONTROL_DROP, 0, &snapshot, sizeof snapshot);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

static void demote(uint32_t uc, uint64_t snapshot, struct control_demoted *d)
{
	CHECK(demote_at_rest(uc, snapshot, d) == 0);
	CHECK(client_stat(&client, 0, uc).state == CONTROL_STATE_DEMOTED);
}

static void promote(uint32_t uc)
{
	CHECK(client_promote(&client, 0, uc) == 0);
	CHECK(client_stat(&client, 0, uc).state != CONTROL_STATE_DEMOTED);
}

/* A snapshot of a UC that has counted once and has ROOM mapped, a word on each of its even pages. */
static uint64_t snapshot(void)
{
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	map(uc, ROOM, ROOM_PAGES);
	for (uint64_t i = 0; i < ROOM_PAGES; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	CHECK(client_capture(&client, 0, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

static uint32_t deploy(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, 0, uc, from) == 0);
	return uc;
}

/* ---- tests ---- */

static void a_demoted_uc_goes_on_where_it_was(void)
{
	uint64_t s = snapshot(), id;
	uint32_t uc = deploy(s), other = deploy(s);
	struct control_demoted d;

	CHECK(count(uc) == 2);
	id = ask(uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { ROOM } }).deploy_id;
	for (uint64_t turn = 0; turn < 3; turn++) {
		for (uint64_t i = turn; i < ROOM_PAGES; i += 5)
			poke(uc, ROOM + i * PAGE + 8 * i, turn * 1000 + i);
		demote(uc, 0, &d);
		CHECK(d.pages >= ROOM_PAGES / 5 && d.pages <= d.own_pages &&
		      d.remains_bytes < d.own_pages * PAGE);
		CHECK(count(other) == turn + 2);
		promote(uc);
		CHECK(count(uc) == turn + 3);
		for (uint64_t i = turn; i < ROOM_PAGES; i += 5)
			CHECK(peek(uc, ROOM + i * PAGE + 8 * i) == turn * 1000 + i);
		for (uint64_t i = 6; i < ROOM_PAGES; i += 10)
			CHECK(peek(uc, ROOM + i * PAGE) == i + 1);
		CHECK(ask(uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { ROOM } }).deploy_id == id);
	}
	kill_uc(uc);
	kill_uc(other);
	drop(s);
}

/* Page for page: what the snapshot has, what it has not, full pages, zeroes. */
static void memory_is_the_same(void)
{
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_demoted d;

	for (uint64_t i = 0; i < PAGE; i += 8)
		poke(uc, ROOM + i, ~i);
	poke(uc, ROOM + 2 * PAGE, 0);
	poke(uc, ROOM + 3 * PAGE + PAGE - 8, 33);
	demote(uc, 0, &d);
	promote(uc);
	for (uint64_t i = 0; i < PAGE; i += 8)
		CHECK(peek(uc, ROOM + i) == ~i);
	CHECK(peek(uc, ROOM + 2 * PAGE) == 0);
	CHECK(peek(uc, ROOM + 3 * PAGE + PAGE - 8) == 33);
	CHECK(peek(uc, ROOM + 4 * PAGE) == 5);
	CHECK(peek(uc, ROOM + 5 * PAGE) == 0);
	kill_uc(uc);
	drop(s);
}

static uint64_t host_call(uint32_t uc, uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_HOST_CALL, .nr = nr, .args = { a, b, c } }).result;
}

/* What it has mapped, unmapped and protected since is so again. */
static void a_changed_memory_map_comes_back(void)
{
	const uint64_t new = ROOM + 2 * ROOM_PAGES * PAGE, gone = ROOM + 20 * PAGE, fixed = ROOM + 30 * PAGE;
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_demoted d;
	struct probe_result r;

	map(uc, new, 1000);
	poke(uc, new + 500 * PAGE, 55);
	CHECK(host_call(uc, SYS_munmap, gone, 4 * PAGE, 0) == 0);
	poke(uc, fixed + 8, 66);
	CHECK(host_call(uc, SYS_mprotect, fixed, 2 * PAGE, PROT_READ) == 0);
	/* Anew mapped, the snapshot's bytes are gone: that is a difference of pages alone. */
	map(uc, ROOM, 10);
	poke(uc, ROOM + PAGE, 44);
	for (uint64_t turn = 2; turn < 6; turn++) {
		CHECK(count(uc) == turn);
		demote(uc, 0, &d);
		CHECK(d.remains_bytes < 16 * 1024);
		promote(uc);
		CHECK(peek(uc, new) == 0 && peek(uc, new + 500 * PAGE) == 55 &&
		      peek(uc, new + 999 * PAGE) == 0);
		CHECK(peek(uc, fixed) == 31 && peek(uc, fixed + 8) == 66 && peek(uc, fixed + PAGE) == 0);
		CHECK(peek(uc, ROOM) == 0 && peek(uc, ROOM + PAGE) == 44 && peek(uc, ROOM + 8 * PAGE) == 0);
		CHECK(peek(uc, ROOM + 10 * PAGE) == 11 && peek(uc, gone - 2 * PAGE) == 19);
		CHECK(host_call(uc, SYS_clock_gettime, 0, gone, 0) == (uint64_t)-EFAULT);
		CHECK(host_call(uc, SYS_clock_gettime, 0, fixed, 0) == (uint64_t)-EFAULT);
		CHECK(host_call(uc, SYS_clock_gettime, 0, fixed + 2 * PAGE, 0) == 0);
	}
	CHECK(host_call(uc, SYS_mprotect, fixed, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(host_call(uc, SYS_munmap, new, 1000 * PAGE, 0) == 0);
	map(uc, gone, 4);
	demote(uc, 0, &d);
	promote(uc);
	CHECK(peek(uc, gone) == 0 && peek(uc, fixed + 8) == 66);
	poke(uc, fixed + 8, 77);
	CHECK(client_probe(&client, 0, uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { new } }, &r) !=
	      PROBE_SILENT);
	kill_uc(uc);
	drop(s);
}

static void too_much_memory_is_refused(void)
{
	const uint64_t new = ROOM + 2 * ROOM_PAGES * PAGE, pages = 2000;
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_demoted d;

	map(uc, new, pages);
	CHECK(fill(uc, new, pages * PAGE) == pages * PAGE);
	CHECK(demote_at_rest(uc, 0, &d) == E2BIG);
	CHECK(count(uc) == 2);
	/* One more mapping per page is too much as well. */
	for (uint64_t i = 0; i < pages; i += 2)
		CHECK(host_call(uc, SYS_mprotect, new + i * PAGE, PAGE, PROT_READ) == 0);
	CHECK(demote_at_rest(uc, 0, &d) == E2BIG);
	CHECK(host_call(uc, SYS_munmap, new, pages * PAGE, 0) == 0);
	demote(uc, 0, &d);
	promote(uc);
	CHECK(count(uc) == 3);
	kill_uc(uc);
	drop(s);
}

/* A UC that a snapshot was captured from can be kept as a difference from that one. */
static void any_snapshot_with_its_map_will_do(void)
{
	uint64_t s = snapshot(), later = next_snapshot++;
	uint32_t uc = deploy(s);
	struct control_demoted from_first, from_later;
	struct control_captured c;

	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		for (uint64_t w = 0; w < 16; w++)
			poke(uc, ROOM + i * PAGE + 64 * w, i + w + 1);
	CHECK(client_capture(&client, 0, uc, later, true, &c) == 0);
	CHECK(count(uc) == 2);
	demote(uc, 0, &from_first);
	promote(uc);
	CHECK(count(uc) == 3);
	demote(uc, later, &from_later);
	CHECK(from_later.remains_bytes + 4096 < from_first.remains_bytes);
	drop(s);
	drop(later);
	promote(uc);
	CHECK(count(uc) == 4);
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		CHECK(peek(uc, ROOM + i * PAGE + 64 * 15) == i + 16);
	CHECK(client_demote(&client, 0, uc, later, &from_later) == EOPNOTSUPP);
	demote(uc, 0, &from_later);
	promote(uc);
	CHECK(count(uc) == 5);
	kill_uc(uc);
}

static void a_busy_uc_is_refused(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	uint32_t booted = next_uc++;
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_demoted d;

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	client_await_cpu(&client, 0, uc, SPIN_NS);
	CHECK(client_demote(&client, 0, uc, 0, &d) == EBUSY);
	kill_uc(uc);
	CHECK(client_demote(&client, 0, uc, 0, &d) == ESRCH);
	client_boot(&client, 0, booted, MEMORY, "/");
	CHECK(client_demote(&client, 0, booted, 0, &d) == EOPNOTSUPP);
	kill_uc(booted);
	drop(s);
}

static void a_demoted_uc_can_be_killed(void)
{
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_captured c;
	struct control_demoted d;
	struct message m;

	CHECK(count(uc) == 2);
	demote(uc, 0, &d);
	CHECK(client_demote(&client, 0, uc, 0, &d) == EBUSY);
	CHECK(client_capture(&client, 0, uc, next_snapshot, true, &c) == EBUSY);
	CHECK(client_deploy(&client, 0, uc, s) == EEXIST);
	client_send(&client, 0, CONTROL_KILL, 0, uc, 1u << 30, "", 0);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_KILLED &&
	      WTERMSIG(client.last_exit.wait_status) == SIGKILL);
	CHECK(client_receive(&client, 0, 5000, &m));
	CHECK(m.frame.type == CONTROL_OK && m.frame.seq == 1u << 30);
	message_free(&m);
	CHECK(client_promote(&client, 0, uc) == ESRCH);
	CHECK(client_deploy(&client, 0, uc, s) == 0);
	CHECK(count(uc) == 2);
	kill_uc(uc);
	drop(s);
}

/* A message behind the promotion finds the old UC, not the snapshot. */
static void messages_wait_for_the_promotion(void)
{
	struct probe_call call = { .op = PROBE_COUNT };
	uint64_t s = snapshot();
	uint32_t uc = deploy(s);
	struct control_demoted d;

	for (uint64_t turn = 1; turn < 20; turn++) {
		struct probe_result r;

		CHECK(count(uc) == 2 * turn);
		demote(uc, 0, &d);
		client_send(&client, 0, CONTROL_PROMOTE, 0, uc, 1u << 30, "", 0);
		CHECK(client_probe(&client, 0, uc, &call, &r) == PROBE_ANSWERED);
		CHECK(r.result == 2 * turn + 1);
		/* Templates stand ready at times. */
		if (turn % 5 == 0)
			usleep(50000);
	}
	promote(uc);
	kill_uc(uc);
	drop(s);
}

static uint64_t tender_rss_kb(void)
{
	uint32_t version = CONTROL_VERSION;
	struct message m = client_call(&client, 0, CONTROL_HELLO, 0, &version, sizeof version);
	struct control_hello hello;
	char path[64], line[256];
	unsigned long kb = 0;
	FILE *status;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof hello);
	memcpy(&hello, m.payload, sizeof hello);
	message_free(&m);
	snprintf(path, sizeof path, "/proc/%u/status", hello.pid);
	status = fopen(path, "r");
	CHECK(status);
	while (fgets(line, sizeof line, status))
		if (sscanf(line, "RssAnon: %lu", &kb) == 1)
			break;
	fclose(status);
	CHECK(kb > 0);
	return kb;
}

/* What they hold goes, in whatever order they go. */
static void many_come_and_go(void)
{
	enum { COUNT = 300, FULL_PAGES = 24 };
	uint32_t ucs[COUNT];
	uint64_t s = snapshot(), words[COUNT], before = tender_rss_kb(), with;
	struct control_demoted d;

	for (int i = 0; i < COUNT; i++) {
		ucs[i] = deploy(s);
		CHECK(fill(ucs[i], ROOM + 8 * PAGE, FULL_PAGES * PAGE) == FULL_PAGES * PAGE);
		words[i] = peek(ucs[i], ROOM + 9 * PAGE);
		demote(ucs[i], 0, &d);
		CHECK(d.remains_bytes > FULL_PAGES * PAGE && d.remains_bytes < (FULL_PAGES + 4) * PAGE);
	}
	with = tender_rss_kb();
	CHECK(with > before + COUNT * FULL_PAGES * PAGE / 1024);
	for (int i = 0; i < COUNT; i += 2)
		kill_uc(ucs[i]);
	for (int i = 1; i < COUNT; i += 2) {
		promote(ucs[i]);
		CHECK(peek(ucs[i], ROOM + 9 * PAGE) == words[i]);
		kill_uc(ucs[i]);
	}
	CHECK(tender_rss_kb() < before + (with - before) * 2 / 3);
	drop(s);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: demote_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(a_demoted_uc_goes_on_where_it_was);
	RUN(memory_is_the_same);
	RUN(a_changed_memory_map_comes_back);
	RUN(too_much_memory_is_refused);
	RUN(any_snapshot_with_its_map_will_do);
	RUN(a_busy_uc_is_refused);
	RUN(a_demoted_uc_can_be_killed);
	RUN(messages_wait_for_the_promotion);
	RUN(many_come_and_go);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
