/*
 * Work on large, busy and hostile UCs, beside which others are served: a real tender, with the probe as its
 * library OS. What is asserted is an order: with work in one piece, the answers of others would come behind
 * it.
 */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (512ul << 20)
#define TIMEOUT_MS 20000
#define ROOM (UC_ARENA_BASE + (1ul << 30))
#define PAGE 4096ul
#define LARGE_BYTES (30000 * PAGE)
#define MANY_MAPPINGS 60000
#define SEQ_WORK (1u << 30)
#define SEQ_KILL (SEQ_WORK + 1)
#define SPIN_NS 10000000
#define LONG_NS 2000000000

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;
static uint32_t other;
static char root[] = "/tmp/seuss-steps-XXXXXX";

static uint32_t boot(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, root);
	return uc;
}

static void send_probe(uint32_t uc, const struct probe_call *call)
{
	client_send(&client, tender, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, call, sizeof *call);
}

static void deploy(uint32_t uc, uint64_t from)
{
	struct control_deploy request = { .snapshot = from, .memory_limit = MEMORY };
	struct message m = client_call(&client, tender, CONTROL_DEPLOY, uc, &request, sizeof request);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

/* A clone, which has a snapshot that it can be put back to. */
static uint32_t clone_of_new(void)
{
	struct control_captured c;
	uint32_t uc = boot(), clone = next_uc++;
	uint64_t number = next_snapshot++;

	CHECK(count(uc) == 1);
	CHECK(client_capture(&client, tender, uc, number, false, &c) == 0);
	deploy(clone, number);
	return clone;
}

static void fill(uint32_t uc, uint64_t bytes)
{
	struct probe_call map = { .op = PROBE_TOUCH, .args = { ROOM, bytes, PAGE } };

	CHECK(ask(uc, &map).result == bytes / PAGE);
}

static void send_capture(uint32_t uc, uint64_t number, uint32_t flags)
{
	struct control_capture request = { .snapshot = number, .flags = flags };

	client_send(&client, tender, CONTROL_CAPTURE, 0, uc, SEQ_WORK, &request, sizeof request);
}

static int error_of(const struct message *m)
{
	int32_t error = 0;

	if (m->frame.type == CONTROL_ERROR)
		memcpy(&error, m->payload, sizeof error);
	return error;
}

static bool is_answer(const struct message *m, uint32_t uc)
{
	return m->frame.type == CONTROL_LINK && m->frame.uc == uc && m->frame.flags == LINK_DRIVER_OUT;
}

/*
 * Asks `other` again and again until the reply to SEQ_WORK comes; its errno, and how many answers came before
 * it.
 */
static int await_work(int *answers)
{
	struct probe_call call = { .op = PROBE_PEEK, .args = { UC_LIBOS_BASE } };
	int32_t error = 0;
	bool done = false;
	struct message m;

	*answers = 0;
	send_probe(other, &call);
	while (!done) {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		done = m.frame.seq == SEQ_WORK;
		if (done)
			error = error_of(&m);
		if (is_answer(&m, other)) {
			++*answers;
			send_probe(other, &call);
		}
		message_free(&m);
	}
	/* The last one. */
	do {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		done = is_answer(&m, other);
		message_free(&m);
	} while (!done);
	return error;
}

/* A UC that a busy machine lets come to no rest in time is put back at a later attempt. */
static int put_back(uint32_t uc)
{
	int answers, error;

	do {
		client_send(&client, tender, CONTROL_RESET, 0, uc, SEQ_WORK, "", 0);
		error = await_work(&answers);
	} while (error == EBUSY);
	return error;
}

/* ---- large ones ---- */

static void others_are_served_while_a_large_uc_is_captured(void)
{
	uint64_t number = next_snapshot++;
	uint32_t uc = boot();
	int answers;

	fill(uc, LARGE_BYTES);
	send_capture(uc, number, CONTROL_CAPTURE_KEEP);
	CHECK(await_work(&answers) == 0);
	CHECK(answers > 1);
	CHECK(peek(uc, ROOM + LARGE_BYTES - PAGE) == ROOM + LARGE_BYTES - PAGE);
	kill_uc(uc);
	uc = next_uc++;
	deploy(uc, number);
	for (uint64_t at = 0; at < LARGE_BYTES; at += 500 * PAGE)
		CHECK(peek(uc, ROOM + at) == ROOM + at);
	kill_uc(uc);
}

static void a_large_uc_is_put_back(void)
{
	uint32_t uc = clone_of_new();

	for (int i = 0; i < 3; i++) {
		CHECK(count(uc) == 2);
		fill(uc, LARGE_BYTES);
		CHECK(put_back(uc) == 0);
	}
	CHECK(count(uc) == 2);
	kill_uc(uc);
}

static void a_large_uc_is_not_demoted(void)
{
	struct control_demote request = { 0 };
	uint32_t uc = clone_of_new();
	int answers, error = EBUSY;

	CHECK(count(uc) == 2);
	fill(uc, LARGE_BYTES);
	while (error == EBUSY) {
		client_send(&client, tender, CONTROL_DEMOTE, 0, uc, SEQ_WORK, &request, sizeof request);
		error = await_work(&answers);
	}
	CHECK(error == E2BIG);
	CHECK(count(uc) == 3);
	kill_uc(uc);
}

/* ---- what comes meanwhile ---- */

static void a_kill_does_not_wait_for_a_capture(void)
{
	uint32_t uc = boot();
	struct message m;
	bool killed = false;

	fill(uc, LARGE_BYTES);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP);
	client_send(&client, tender, CONTROL_KILL, 0, uc, SEQ_KILL, "", 0);
	for (int replies = 0; replies < 2; message_free(&m)) {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		if (m.frame.seq == SEQ_WORK)
			CHECK(error_of(&m) == ESRCH && !killed);
		killed = killed || m.frame.seq == SEQ_KILL;
		replies += m.frame.seq == SEQ_WORK || m.frame.seq == SEQ_KILL;
	}
	client_boot(&client, tender, uc, MEMORY, root);
	kill_uc(uc);
}

/* Which of them comes first is open. */
static void await_captures_and_answer(int captures, uint32_t uc)
{
	struct message m;

	for (int replies = 0; replies <= captures; message_free(&m)) {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		CHECK(m.frame.seq != SEQ_WORK || m.frame.type == CONTROL_OK);
		replies += m.frame.seq == SEQ_WORK || is_answer(&m, uc);
	}
}

static void what_is_sent_during_a_capture_finds_it_captured(void)
{
	uint32_t uc = boot(), clone = next_uc++;
	uint64_t number = next_snapshot++;

	CHECK(count(uc) == 1);
	fill(uc, LARGE_BYTES);
	send_capture(uc, number, CONTROL_CAPTURE_KEEP);
	send_probe(uc, &(struct probe_call){ .op = PROBE_COUNT });
	await_captures_and_answer(1, uc);
	deploy(clone, number);
	CHECK(count(clone) == 2);
	CHECK(count(uc) == 3);
	kill_uc(clone);
	kill_uc(uc);
}

/* The second capture has to wait for the first, and what is sent behind it for both. */
static void what_is_sent_behind_a_capture_that_waits_finds_it_captured(void)
{
	uint32_t uc = boot(), clone = next_uc++;
	uint64_t first = next_snapshot++, second = next_snapshot++;

	CHECK(count(uc) == 1);
	fill(uc, LARGE_BYTES);
	send_capture(uc, first, CONTROL_CAPTURE_KEEP);
	send_capture(uc, second, CONTROL_CAPTURE_KEEP);
	send_probe(uc, &(struct probe_call){ .op = PROBE_COUNT });
	await_captures_and_answer(2, uc);
	deploy(clone, second);
	CHECK(count(clone) == 2);
	CHECK(count(uc) == 3);
	kill_uc(clone);
	kill_uc(uc);
}

/* It may come before, during or after the demotion. */
static void a_promotion_overtakes_a_demotion(void)
{
	struct control_demote request = { 0 };
	uint32_t uc = clone_of_new();

	fill(uc, 4000 * PAGE);
	for (uint64_t i = 0; i < 5; i++) {
		client_send(&client, tender, CONTROL_DEMOTE, 0, uc, SEQ_WORK, &request, sizeof request);
		CHECK(client_promote(&client, tender, uc) == 0);
		CHECK(count(uc) == i + 2);
	}
	kill_uc(uc);
}

static void one_thing_is_done_with_a_uc_after_the_other(void)
{
	struct control_captured c;
	uint64_t first = next_snapshot++, second = next_snapshot++;
	uint32_t uc = boot(), clone = next_uc++;

	fill(uc, LARGE_BYTES);
	send_capture(uc, first, CONTROL_CAPTURE_KEEP);
	CHECK(client_capture(&client, tender, uc, first, true, &c) == EEXIST);
	send_capture(uc, second, CONTROL_CAPTURE_KEEP);
	CHECK(client_capture(&client, tender, uc, next_snapshot++, false, &c) == 0);
	deploy(clone, second);
	CHECK(peek(clone, ROOM) == ROOM);
	kill_uc(clone);
}

/* ---- hostile ones ---- */

static void a_guest_that_keeps_the_kernel_busy_is_captured(void)
{
	struct probe_call churn = { .op = PROBE_CHURN, .args = { ROOM, UC_POPULATE_MAX } };
	uint32_t uc = boot();
	int answers;

	send_probe(uc, &churn);
	client_await_cpu(&client, tender, uc, SPIN_NS);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP);
	CHECK(await_work(&answers) == 0);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_LIVE);
	CHECK(await_work(&answers) == 0);
	kill_uc(uc);
}

static void a_guest_that_the_kernel_works_long_for_is_captured(void)
{
	struct probe_call protect = { .op = PROBE_PROTECT, .args = { ROOM, 16ul << 30 } };
	uint32_t uc = boot();
	int answers, error;

	send_probe(uc, &protect);
	client_await_cpu(&client, tender, uc, LONG_NS);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_LIVE);
	error = await_work(&answers);
	CHECK(error == 0 || error == EAGAIN);
	CHECK(answers > 1);
	kill_uc(uc);
}

static void a_guest_in_the_alternate_stack_is_let_go(void)
{
	struct probe_call leave = { .op = PROBE_ALTSTACK };
	uint32_t uc = boot();
	int answers;

	send_probe(uc, &leave);
	client_await_cpu(&client, tender, uc, SPIN_NS);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP);
	CHECK(await_work(&answers) == EAGAIN);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_LIVE);
	CHECK(await_work(&answers) == EAGAIN);
	CHECK(answers > 1);
	client_await_cpu(&client, tender, uc, SPIN_NS);
	kill_uc(uc);
}

static void too_many_mappings_are_refused(void)
{
	struct probe_call mappings = { .op = PROBE_MAPPINGS, .args = { ROOM, MANY_MAPPINGS } };
	struct control_demoted d;
	uint32_t uc = clone_of_new();
	int answers;

	CHECK(ask(uc, &mappings).result == MANY_MAPPINGS);
	send_capture(uc, next_snapshot++, CONTROL_CAPTURE_KEEP);
	CHECK(await_work(&answers) == E2BIG);
	CHECK(demote_at_rest(uc, 0, &d) == E2BIG);
	CHECK(count(uc) == 2);
	/* It cannot be put back, and is of no more use. */
	CHECK(put_back(uc) == E2BIG);
	CHECK(client_capture(&client, tender, uc, next_snapshot++, true, &(struct control_captured){ 0 }) ==
	      ESRCH);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: steps_test TENDER PROBE\n");
		return 2;
	}
	CHECK(mkdtemp(root));
	client_start(&client, argv[1], argv[2]);
	other = boot();
	RUN(others_are_served_while_a_large_uc_is_captured);
	RUN(a_large_uc_is_put_back);
	RUN(a_large_uc_is_not_demoted);
	RUN(a_kill_does_not_wait_for_a_capture);
	RUN(what_is_sent_during_a_capture_finds_it_captured);
	for (int i = 0; i < 5; i++)
		RUN(what_is_sent_behind_a_capture_that_waits_finds_it_captured);
	RUN(a_promotion_overtakes_a_demotion);
	RUN(one_thing_is_done_with_a_uc_after_the_other);
	RUN(a_guest_that_keeps_the_kernel_busy_is_captured);
	RUN(a_guest_that_the_kernel_works_long_for_is_captured);
	RUN(a_guest_in_the_alternate_stack_is_let_go);
	RUN(too_many_mappings_are_refused);
	client_stop(&client);
	CHECK(rmdir(root) == 0);
	return 0;
}
