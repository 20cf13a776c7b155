/* Captures that wait for an answer: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MEMORY (64ul << 20)
#define TIMEOUT_MS 10000
#define SEQ_DEPLOY (1u << 30)
#define SEQ_CAPTURE (SEQ_DEPLOY + 1)
#define SEQ_SECOND (SEQ_DEPLOY + 2)
#define SPIN_NS 10000000
#define TURNS 20

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;

static void send_deploy(uint32_t uc, uint64_t from)
{
	struct control_deploy request = { .snapshot = from, .memory_limit = MEMORY };

	client_send(&client, tender, CONTROL_DEPLOY, 0, uc, SEQ_DEPLOY, &request, sizeof request);
}

static void send_capture(uint32_t uc, uint64_t number, uint32_t seq)
{
	struct control_capture request = { .snapshot = number,
					   .flags = CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_AT_ANSWER };

	client_send(&client, tender, CONTROL_CAPTURE, 0, uc, seq, &request, sizeof request);
}

static void send_probe(uint32_t uc, uint64_t op)
{
	struct probe_call call = { .op = op };

	client_send(&client, tender, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &call, sizeof call);
}

/* The errno of the reply to a request, 0 for none; events before it are dropped. */
static int await_reply(uint32_t seq)
{
	struct message m;
	int32_t error = 0;
	bool found;

	do {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		found = m.frame.seq == seq;
		if (found && m.frame.type == CONTROL_ERROR)
			memcpy(&error, m.payload, sizeof error);
		message_free(&m);
	} while (!found);
	return error;
}

static bool is_answer(const struct message *m, uint32_t uc)
{
	return m->frame.type == CONTROL_LINK && m->frame.uc == uc && m->frame.flags == LINK_DRIVER_OUT;
}

static uint64_t await_answer(uint32_t uc)
{
	struct probe_result r = { 0 };
	struct message m;
	bool found;

	do {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		CHECK(m.frame.seq != SEQ_CAPTURE);
		found = is_answer(&m, uc);
		if (found)
			memcpy(&r, m.payload, sizeof r);
		message_free(&m);
	} while (!found);
	return r.result;
}

/*
 * Of a UC that has a message when it is captured: its answer, which may come before the reply or behind it.
 */
static uint64_t await_capture_and_answer(uint32_t uc)
{
	struct probe_result r = { 0 };
	bool captured = false, answered = false;
	struct message m;

	while (!captured || !answered) {
		CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
		if (m.frame.seq == SEQ_CAPTURE) {
			CHECK(m.frame.type == CONTROL_OK);
			captured = true;
		} else if (is_answer(&m, uc)) {
			memcpy(&r, m.payload, sizeof r);
			answered = true;
		}
		message_free(&m);
	}
	return r.result;
}

/* Of a UC that has counted once. */
static uint64_t root(void)
{
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	CHECK(client_capture(&client, tender, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

static uint32_t deploy(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, tender, uc, from) == 0);
	return uc;
}

/* ---- tests ---- */

/* All is asked for at once; what is sent behind the answer is no part of the snapshot. */
static void it_is_captured_behind_its_answer(void)
{
	uint64_t parent = root();

	for (int turn = 0; turn < TURNS; turn++) {
		uint32_t uc = next_uc++, clone;

		send_deploy(uc, parent);
		send_probe(uc, PROBE_COUNT);
		send_capture(uc, next_snapshot, SEQ_CAPTURE);
		CHECK(await_answer(uc) == 2);
		send_probe(uc, PROBE_COUNT);
		/* The one captured goes on. */
		CHECK(await_capture_and_answer(uc) == 3);
		clone = deploy(next_snapshot++);
		CHECK(count(clone) == 3);
		CHECK(count(uc) == 4);
		kill_uc(uc);
		kill_uc(clone);
	}
}

static void only_one_can_wait(void)
{
	uint32_t uc = deploy(root());

	send_capture(uc, next_snapshot, SEQ_CAPTURE);
	send_capture(uc, next_snapshot + 1, SEQ_SECOND);
	CHECK(await_reply(SEQ_SECOND) == EBUSY);
	send_probe(uc, PROBE_COUNT);
	CHECK(await_reply(SEQ_CAPTURE) == 0);
	CHECK(count(deploy(next_snapshot++)) == 3);
	send_capture(next_uc + 100, next_snapshot, SEQ_SECOND);
	CHECK(await_reply(SEQ_SECOND) == ESRCH);
	kill_uc(uc);
}

/* Its number may be taken by then, as at once. */
static void a_number_that_is_taken_is_refused(void)
{
	uint64_t taken = root();
	uint32_t uc = deploy(taken);

	send_capture(uc, taken, SEQ_CAPTURE);
	send_probe(uc, PROBE_COUNT);
	CHECK(await_reply(SEQ_CAPTURE) == EEXIST);
	CHECK(count(uc) == 3);
	kill_uc(uc);
}

static void its_end_comes_first(void)
{
	uint32_t uc = deploy(root());

	send_capture(uc, next_snapshot, SEQ_CAPTURE);
	send_probe(uc, PROBE_SPIN);
	client_await_cpu(&client, tender, uc, SPIN_NS);
	client_send(&client, tender, CONTROL_KILL, 0, uc, SEQ_SECOND, "", 0);
	CHECK(await_reply(SEQ_SECOND) == 0);
	CHECK(await_reply(SEQ_CAPTURE) == ESRCH);
	CHECK(client_deploy(&client, tender, next_uc++, next_snapshot) == ENOENT);
}

static void a_deploy_that_is_refused_leaves_nothing_to_capture(void)
{
	uint32_t uc = next_uc++;

	send_deploy(uc, next_snapshot + 1000);
	send_capture(uc, next_snapshot, SEQ_CAPTURE);
	CHECK(await_reply(SEQ_DEPLOY) == ENOENT);
	CHECK(await_reply(SEQ_CAPTURE) == ESRCH);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: capture_later_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(it_is_captured_behind_its_answer);
	RUN(only_one_can_wait);
	RUN(a_number_that_is_taken_is_refused);
	RUN(its_end_comes_first);
	RUN(a_deploy_that_is_refused_leaves_nothing_to_capture);
	client_stop(&client);
	return 0;
}
