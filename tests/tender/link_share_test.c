/* What UCs may send of a turn and of the node's time: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <stdio.h>
#include <string.h>

#define MEMORY (64ul << 20)
#define TIMEOUT_MS 60000
#define MANY 20000u

static uint32_t next_uc = 1;

static uint32_t boot(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	return uc;
}

static void send_probe(uint32_t uc, const struct probe_call *call)
{
	client_send(&client, tender, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, call, sizeof *call);
}

static void send_flood(uint32_t uc, uint16_t type, uint16_t other, uint64_t frames, uint64_t bytes)
{
	send_probe(uc, &(struct probe_call){ .op = PROBE_FLOOD, .args = { type, other, frames, bytes } });
}

struct heard {
	uint64_t frames, bytes, answers;
	uint32_t answered; /* the UC of the last answer */
	bool in_order; /* each byte is the one before and 1 */
	uint8_t next;
};

/* The next message of a UC, counted unless it answers a probe. */
static void hear(struct heard *h)
{
	struct message m;
	bool answer;

	CHECK(client_receive(&client, tender, TIMEOUT_MS, &m));
	CHECK(m.frame.type == CONTROL_LINK);
	answer = m.frame.flags == LINK_DRIVER_OUT && m.frame.len == sizeof(struct probe_result);
	h->answers += answer;
	if (answer) {
		h->answered = m.frame.uc;
	} else {
		h->frames++;
		h->bytes += m.frame.len;
		for (uint32_t i = 0; i < m.frame.len; i++)
			h->in_order &= (uint8_t)m.payload[i] == h->next++;
	}
	message_free(&m);
}

static struct heard hear_flood(uint32_t uc)
{
	struct heard h = { .in_order = true };

	while (!h.answers)
		hear(&h);
	CHECK(h.answered == uc);
	return h;
}

static void small_frames_come_as_few(void)
{
	uint32_t uc = boot();
	struct heard h;

	send_flood(uc, LINK_STDOUT, LINK_STDOUT, MANY, 1);
	h = hear_flood(uc);
	CHECK(h.in_order && h.bytes == MANY && h.frames < MANY / 4);
	send_flood(uc, LINK_STDOUT, LINK_STDERR, 1000, 1);
	h = hear_flood(uc);
	CHECK(h.in_order && h.bytes == 1000 && h.frames == 1000);
	send_flood(uc, LINK_STDERR, LINK_STDERR, 200, LINK_PAYLOAD_MAX);
	CHECK(hear_flood(uc).bytes == 200 * LINK_PAYLOAD_MAX);
	kill_uc(uc);
}

static void others_have_their_turn(void)
{
	uint32_t loud[4], quiet = boot();
	struct heard h = { 0 };

	CHECK(count(quiet) == 1);
	for (int i = 0; i < 4; i++)
		loud[i] = boot();
	for (int i = 0; i < 4; i++)
		send_flood(loud[i], LINK_STDOUT, LINK_STDERR, MANY, 1);
	for (int asked = 0; asked < 3; asked++) {
		send_probe(quiet, &(struct probe_call){ .op = PROBE_COUNT });
		for (h.answered = 0; h.answered != quiet;)
			hear(&h);
		CHECK(h.bytes < 4 * MANY);
	}
	while (h.answers < 3 + 4)
		hear(&h);
	CHECK(h.bytes == 4 * MANY);
	CHECK(count(quiet) == 5);
	for (int i = 0; i < 4; i++)
		kill_uc(loud[i]);
	kill_uc(quiet);
}

static void what_nobody_wants_is_not_passed_on(void)
{
	uint32_t uc = boot();

	send_flood(uc, LINK_TRACE, LINK_TRACE, 1000, 1);
	CHECK(hear_flood(uc).frames == 0);
	send_flood(uc, LINK_PANIC, LINK_EXIT, 1000, sizeof(struct link_exit));
	CHECK(hear_flood(uc).frames == 2);
	send_flood(uc, LINK_STDOUT, LINK_STDERR, MANY, 1);
	client_send(&client, tender, CONTROL_MUTE, 0, uc, 0, "", 0);
	CHECK(hear_flood(uc).frames < MANY / 2);
	send_flood(uc, LINK_STDOUT, LINK_STDERR, 1000, 1);
	CHECK(hear_flood(uc).frames == 1000);
	kill_uc(uc);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: link_share_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(small_frames_come_as_few);
	RUN(others_have_their_turn);
	RUN(what_nobody_wants_is_not_passed_on);
	client_stop(&client);
	return 0;
}
