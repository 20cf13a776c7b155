/* What becomes of compact snapshots: UCs that are demoted, templates, and drops that overtake them. */
#include "check.h"
#include "compact_snapshots.h"

#include <sys/wait.h>
#include <unistd.h>

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
		fprintf(stderr, "usage: compact_use_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(a_demoted_uc_may_be_made_of_it);
	RUN(a_template_makes_no_difference);
	RUN(drops_may_overtake);
	RUN(a_template_may_be_dropped_while_it_is_made);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
