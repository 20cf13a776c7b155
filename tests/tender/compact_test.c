/* Snapshots that are kept as words: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"
#include "../../abi/plan.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
/* The probe's own count lies in the megabyte before. */
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul
#define PAGE UC_PAGE_SIZE

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;

static uint64_t host_call(uint32_t uc, uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_HOST_CALL, .nr = nr, .args = { a, b, c } }).result;
}

static void map(uint32_t uc, uint64_t addr, uint64_t pages)
{
	struct probe_call call = { .op = PROBE_HOST_CALL,
				   .nr = SYS_mmap,
				   .args = { addr, pages * PAGE, 3, FIXED, -1ul, 0 } };

	CHECK(ask(uc, &call).result == addr);
}

/* Whether the two words at addr can be written; they stay what they are. */
static bool is_writable(uint32_t uc, uint64_t addr)
{
	uint64_t first = peek(uc, addr), second = peek(uc, addr + 8);
	bool writable = host_call(uc, SYS_clock_gettime, 0, addr, 0) == 0;

	if (writable) {
		poke(uc, addr, first);
		poke(uc, addr + 8, second);
	}
	return writable;
}

static uint32_t deploy(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, tender, uc, from) == 0);
	return uc;
}

static struct control_demoted demote(uint32_t uc, uint64_t snapshot)
{
	struct control_demoted d;

	CHECK(demote_at_rest(uc, snapshot, &d) == 0);
	return d;
}

/* ---- snapshots ---- */

static uint64_t capture(uint32_t uc, bool keep)
{
	struct control_captured c;

	CHECK(client_capture(&client, tender, uc, next_snapshot, keep, &c) == 0);
	return next_snapshot++;
}

static void drop(uint64_t snapshot)
{
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		struct message m = client_call(&client, i, CONTROL_DROP, 0, &snapshot, sizeof snapshot);

		CHECK(m.frame.type == CONTROL_OK);
		message_free(&m);
	}
}

/* 0 or the errno of the reply. */
static int try_compact(uint64_t snapshot, struct control_compacted *out)
{
	struct message m = client_call(&client, tender, CONTROL_COMPACT, 0, &snapshot, sizeof snapshot);
	int error = 0;

	if (m.frame.type == CONTROL_OK) {
		CHECK(m.frame.len == sizeof *out);
		memcpy(out, m.payload, sizeof *out);
	} else {
		memcpy(&error, m.payload, sizeof error);
	}
	message_free(&m);
	return error;
}

static struct control_compacted compact(uint64_t snapshot)
{
	struct control_compacted c;

	CHECK(try_compact(snapshot, &c) == 0);
	return c;
}

static struct control_inspected inspect(int i, uint64_t snapshot)
{
	struct message m = client_call(&client, i, CONTROL_INSPECT, 0, &snapshot, sizeof snapshot);
	struct control_inspected out;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof out);
	memcpy(&out, m.payload, sizeof out);
	message_free(&m);
	return out;
}

/* Runs that differ between two snapshots. */
static size_t differences(uint64_t a, uint64_t b)
{
	struct control_diff request = { a, b };
	struct message m = client_call(&client, tender, CONTROL_DIFF, 0, &request, sizeof request);
	size_t runs = m.frame.len / sizeof(struct control_diff_run);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	return runs;
}

/* A snapshot of a UC that has counted once and has ROOM mapped, a word on each of its even pages. */
static uint64_t root(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	map(uc, ROOM, ROOM_PAGES);
	for (uint64_t i = 0; i < ROOM_PAGES; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	return capture(uc, false);
}

/* A child that has written `value` to every page's second word, and has counted once more. */
static uint64_t child(uint64_t parent, uint64_t value)
{
	uint32_t uc = deploy(parent);

	CHECK(count(uc));
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE + 8, value + i);
	return capture(uc, false);
}

static void check_child(uint32_t uc, uint64_t counts, uint64_t value)
{
	CHECK(count(uc) == counts);
	for (uint64_t i = 0; i < ROOM_PAGES; i++) {
		CHECK(peek(uc, ROOM + i * PAGE) == (i % 2 ? 0 : i + 1));
		CHECK(peek(uc, ROOM + i * PAGE + 8) == value + i);
	}
}

/* ---- tests ---- */

static void a_compact_snapshot_is_what_it_was(void)
{
	uint64_t r = root(), s = child(r, 100);
	struct control_captured captured;
	struct control_compacted c;
	uint32_t before = deploy(s), after;

	c = compact(s);
	CHECK(c.pages >= ROOM_PAGES && c.pages < ROOM_PAGES + 40);
	CHECK(c.bytes < ROOM_PAGES * PAGE / 4);
	CHECK(try_compact(s, &c) == EALREADY);
	for (int i = 0; i < CLIENT_TENDERS; i++)
		CHECK(inspect(i, s).form == CONTROL_FORM_WORDS && inspect(i, s).own_pages == c.pages);
	check_child(before, 3, 100);
	after = deploy(s);
	check_child(after, 3, 100);
	CHECK(count(after) == 4);
	/* Each has a new identity. */
	CHECK(ask(before, &(struct probe_call){ .op = PROBE_PEEK, .args = { ROOM } }).deploy_id !=
	      ask(after, &(struct probe_call){ .op = PROBE_PEEK, .args = { ROOM } }).deploy_id);
	/* One that came before can be captured still. */
	CHECK(client_capture(&client, tender, before, next_snapshot, false, &captured) == 0 &&
	      captured.parent == s);
	kill_uc(after);
	after = deploy(next_snapshot);
	check_child(after, 4, 100);
	kill_uc(after);
	drop(next_snapshot++);
	drop(s);
	drop(r);
}

static void every_tender_has_it_so(void)
{
	uint64_t r = root(), s = child(r, 7);
	uint32_t uc;

	compact(s);
	tender = 1;
	for (int i = 0; i < 6; i++) {
		uc = deploy(s);
		check_child(uc, 3, 7);
		kill_uc(uc);
	}
	tender = 0;
	drop(s);
	drop(r);
}

/* The map of the child, too: memory that came, went, became zero, or has another protection. */
static void a_changed_memory_map_is_kept(void)
{
	const uint64_t new = ROOM + 2 * ROOM_PAGES * PAGE, gone = ROOM + 20 * PAGE, fixed = ROOM + 30 * PAGE;
	uint64_t r = root(), s;
	uint32_t uc = deploy(r);

	map(uc, new, 1000);
	poke(uc, new + 500 * PAGE, 55);
	CHECK(host_call(uc, SYS_munmap, gone, 4 * PAGE, 0) == 0);
	poke(uc, fixed + 8, 66);
	CHECK(host_call(uc, SYS_mprotect, fixed, 2 * PAGE, PROT_READ) == 0);
	map(uc, ROOM, 10);
	poke(uc, ROOM + PAGE, 44);
	for (uint64_t i = 40; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE + 16, i);
	s = capture(uc, false);
	CHECK(compact(s).bytes < 20 * 1024);
	for (int turn = 0; turn < 5; turn++) {
		uc = deploy(s);
		CHECK(count(uc) == 2);
		CHECK(peek(uc, new) == 0 && peek(uc, new + 500 * PAGE) == 55 &&
		      peek(uc, new + 999 * PAGE) == 0);
		CHECK(peek(uc, fixed) == 31 && peek(uc, fixed + 8) == 66 && peek(uc, fixed + PAGE) == 0);
		CHECK(peek(uc, ROOM) == 0 && peek(uc, ROOM + PAGE) == 44 && peek(uc, ROOM + 8 * PAGE) == 0);
		CHECK(peek(uc, ROOM + 10 * PAGE) == 11 && peek(uc, gone - 2 * PAGE) == 19);
		CHECK(host_call(uc, SYS_clock_gettime, 0, gone, 0) == (uint64_t)-EFAULT);
		CHECK(!is_writable(uc, fixed) && !is_writable(uc, fixed + PAGE) &&
		      is_writable(uc, fixed + 2 * PAGE));
		kill_uc(uc);
	}
	drop(s);
	drop(r);
}

/* Pages are written where a page of the parent's words was, and where new memory hides it. */
static void lineages_of_compact_ones_are_right(void)
{
	enum { DEPTH = 6 };
	uint64_t s[DEPTH + 2], value[ROOM_PAGES] = { 0 };
	struct control_compacted c;
	bool writable = true; /* page 20 */
	uint32_t uc;

	s[0] = root();
	for (uint64_t level = 1; level <= DEPTH + 1; level++) {
		uc = deploy(s[level - 1]);
		CHECK(count(uc) == level + 1);
		if (level % 3 == 2) {
			map(uc, ROOM + 16 * PAGE, 8);
			writable = true;
			memset(&value[16], 0, 8 * sizeof value[0]);
		}
		if (level % 3 == 0) {
			CHECK(host_call(uc, SYS_mprotect, ROOM + 20 * PAGE, 2 * PAGE, PROT_READ) == 0);
			writable = false;
		}
		for (uint64_t i = level; i < ROOM_PAGES; i += level) {
			if (level % 3 == 0 && (i == 20 || i == 21))
				continue;
			if (!is_writable(uc, ROOM + i * PAGE + 8))
				CHECK(host_call(uc, SYS_mprotect, ROOM + i * PAGE, PAGE, RW) == 0);
			writable = writable || i == 20;
			value[i] = level * 1000 + i;
			poke(uc, ROOM + i * PAGE + 8, value[i]);
		}
		s[level] = capture(uc, false);
		if (level <= DEPTH)
			compact(s[level]);
		else
			CHECK(try_compact(s[level], &c) == E2BIG);
		for (int turn = 0; turn < 4; turn++) {
			uc = deploy(s[level]);
			CHECK(count(uc) == level + 2);
			for (uint64_t i = 0; i < ROOM_PAGES; i++)
				CHECK(peek(uc, ROOM + i * PAGE + 8) == value[i]);
			CHECK(is_writable(uc, ROOM + 20 * PAGE) == writable);
			kill_uc(uc);
		}
	}
	/* Dropped in any order they serve whoever needs them. */
	for (int level = 0; level <= DEPTH - 1; level++)
		drop(s[level]);
	uc = deploy(s[DEPTH]);
	CHECK(count(uc) == DEPTH + 2);
	kill_uc(uc);
	drop(s[DEPTH + 1]);
	drop(s[DEPTH]);
}

static void a_demoted_uc_may_be_made_of_it(void)
{
	uint64_t r = root(), s = child(r, 300);
	uint32_t first = deploy(s), uc;

	CHECK(count(first) == 3);
	demote(first, 0);
	compact(s);
	for (int turn = 0; turn < 6; turn++) {
		uc = deploy(s);
		check_child(uc, 3, 300);
		poke(uc, ROOM + 9 * PAGE + 8, 9);
		map(uc, ROOM + 32 * PAGE, 2);
		CHECK(demote(uc, 0).remains_bytes < 8 * 1024);
		CHECK(client_promote(&client, tender, uc) == 0);
		CHECK(count(uc) == 4);
		CHECK(peek(uc, ROOM + 9 * PAGE + 8) == 9 && peek(uc, ROOM + 10 * PAGE + 8) == 310);
		CHECK(peek(uc, ROOM + 32 * PAGE) == 0 && peek(uc, ROOM + 32 * PAGE + 8) == 0);
		kill_uc(uc);
	}
	/* It was kept as a difference from the pages, which are gone. */
	CHECK(client_promote(&client, tender, first) == 0);
	check_child(first, 4, 300);
	/* Nothing but the UC holds them then. */
	demote(first, s);
	drop(s);
	drop(r);
	CHECK(client_promote(&client, tender, first) == 0);
	check_child(first, 5, 300);
	kill_uc(first);
}

/* After two deploys there is one. */
static void a_template_makes_no_difference(void)
{
	uint64_t r = root(), s = child(r, 40), grandchild;
	struct control_captured captured;
	struct message m;
	uint32_t uc;

	compact(s);
	for (int turn = 0; turn < 5; turn++) {
		uc = deploy(s);
		check_child(uc, 3, 40);
		/* The template is made while the tender has nothing to do. */
		CHECK(!client_receive(&client, tender, 20, &m));
		if (turn == 4) {
			poke(uc, ROOM + 8, 41);
			CHECK(client_capture(&client, tender, uc, next_snapshot, true, &captured) == 0);
			CHECK(captured.parent == s);
		}
		kill_uc(uc);
	}
	grandchild = next_snapshot++;
	CHECK(inspect(0, s).form == CONTROL_FORM_WORDS);
	CHECK(compact(grandchild).pages < 20);
	uc = deploy(grandchild);
	CHECK(count(uc) == 4 && peek(uc, ROOM + 8) == 41 && peek(uc, ROOM + PAGE + 8) == 41);
	kill_uc(uc);
	drop(s);
	uc = deploy(grandchild);
	CHECK(count(uc) == 4 && peek(uc, ROOM + 8) == 41 && peek(uc, ROOM + PAGE + 8) == 41);
	kill_uc(uc);
	drop(grandchild);
	drop(r);
}

static void what_saves_nothing_is_refused(void)
{
	uint64_t r = root(), s, unknown = 1ull << 40;
	struct control_compacted c;
	uint32_t uc = deploy(r);

	for (uint64_t at = ROOM; at < ROOM + 24 * PAGE; at += 8)
		poke(uc, at, ~at);
	s = capture(uc, false);
	CHECK(try_compact(s, &c) == E2BIG);
	CHECK(try_compact(r, &c) == EOPNOTSUPP);
	CHECK(try_compact(unknown, &c) == ENOENT);
	CHECK(inspect(0, s).form == CONTROL_FORM_PAGES && inspect(1, s).form == CONTROL_FORM_PAGES);
	uc = deploy(s);
	CHECK(count(uc) == 2);
	kill_uc(uc);
	drop(s);
	s = child(r, 1);
	drop(r);
	CHECK(try_compact(s, &c) == EOPNOTSUPP);
	drop(s);
}

static void snapshots_of_both_forms_can_be_compared(void)
{
	uint64_t r = root(), s = child(r, 5), t;
	size_t pages, words;
	uint32_t uc;

	pages = differences(r, s);
	compact(s);
	words = differences(r, s);
	CHECK(pages > 0 && words == pages);
	CHECK(differences(s, s) == 0);
	uc = deploy(s);
	t = capture(uc, false);
	pages = differences(s, t);
	compact(t);
	CHECK(differences(s, t) == pages);
	drop(t);
	drop(s);
	drop(r);
}

/* The node forgets a snapshot while its compaction is on the way to the other tenders. */
static void drops_may_overtake(void)
{
	uint64_t r = root();

	for (int turn = 0; turn < 30; turn++) {
		uint64_t s = child(r, 1);
		struct message m;

		client_send(&client, 0, CONTROL_COMPACT, 0, 0, 1u << 30, &s, sizeof s);
		client_send(&client, 1, CONTROL_DROP, 0, 0, 1u << 30, &s, sizeof s);
		client_send(&client, 0, CONTROL_DROP, 0, 0, (1u << 30) + 1, &s, sizeof s);
		for (int replies = 0; replies < 3; message_free(&m)) {
			CHECK(client_receive(&client, replies == 2, 5000, &m));
			CHECK(m.frame.type == CONTROL_OK || m.frame.type == CONTROL_EXIT);
			replies += m.frame.type == CONTROL_OK;
		}
	}
	drop(r);
}

/* The word of a template that it is there may come along with the drop of its snapshot. */
static void a_template_may_be_dropped_while_it_is_made(void)
{
	uint64_t r = root();

	for (useconds_t delay = 0; delay < 5000; delay += 100) {
		uint64_t s = child(r, 1);
		uint32_t uc;

		for (int i = 0; i < 3; i++) {
			uc = deploy(s);
			CHECK(count(uc) == 3);
			kill_uc(uc);
		}
		uc = deploy(s);
		CHECK(count(uc) == 3);
		usleep(2000 + delay);
		drop(s);
		kill_uc(uc);
	}
	drop(r);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: compact_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(a_compact_snapshot_is_what_it_was);
	RUN(every_tender_has_it_so);
	RUN(a_changed_memory_map_is_kept);
	RUN(lineages_of_compact_ones_are_right);
	RUN(a_demoted_uc_may_be_made_of_it);
	RUN(a_template_makes_no_difference);
	RUN(what_saves_nothing_is_refused);
	RUN(snapshots_of_both_forms_can_be_compared);
	RUN(drops_may_overtake);
	RUN(a_template_may_be_dropped_while_it_is_made);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
