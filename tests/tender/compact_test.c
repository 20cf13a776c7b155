/* Snapshots that are kept as changes: a real tender, with the probe as its library OS. */
#include "check.h"
#include "compact_snapshots.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../abi/plan.h"

#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static uint64_t host_call(uint32_t uc, uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_HOST_CALL, .nr = nr, .args = { a, b, c } }).result;
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
	RUN(what_saves_nothing_is_refused);
	RUN(snapshots_of_both_forms_can_be_compared);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
