/*
 * Packets on the link of a context, in all sizes. The tender's surroundings are replaced: what is passed on
 * to the node is looked at here. An input is a byte for the state that the context is in, then packets, each
 * with its length before it.
 */
#include "../../tender/uc/link_hub.c"
#include "fuzz.h"

#define UC_ID 7
#define DEPLOY_ID 0x1234u
#define PACKETS_MAX 64
#define SHARE 4096

static struct uc uc;
static char *room;
static bool killed;

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* ---- the tender's surroundings ---- */

void *control_reserve(struct tender *t, size_t bytes)
{
	(void)t;
	require(bytes == LINK_PAYLOAD_MAX);
	if (!room)
		room = malloc(bytes);
	return room;
}

/* All that the node ever gets of a link: single frames, and streams of bytes. */
static void pass_on(uint16_t kind, uint32_t id, size_t used)
{
	require(id == UC_ID && used <= LINK_PAYLOAD_MAX);
	require(uc.state == UC_RUNNING || kind == LINK_PANIC);
	require(!uc.refused && !killed);
}

void control_commit(struct tender *t, uint16_t type, uint16_t flags, uint32_t id, size_t used)
{
	uint16_t kind = flags & (uint16_t)~LINK_MORE;

	(void)t;
	require(type == CONTROL_LINK && (kind == LINK_EXIT || kind == LINK_PANIC));
	require(kind != LINK_EXIT || used == sizeof(struct link_exit));
	pass_on(kind, id, used);
}

void control_commit_stream(struct tender *t, uint16_t flags, uint32_t id, size_t used, bool urgent)
{
	uint16_t kind = flags & (uint16_t)~LINK_MORE;

	(void)t;
	require(urgent == (kind == LINK_DRIVER_OUT));
	require(urgent || flags == LINK_STDOUT || flags == LINK_STDERR || flags == LINK_TRACE);
	pass_on(kind, id, used);
}

bool link_share_use(struct uc *of, size_t bytes)
{
	of->share.bytes -= (int64_t)bytes;
	return of->share.bytes >= 0;
}

void link_share_await(struct tender *t, struct uc *of)
{
	(void)t;
	of->share.bytes = SHARE;
}

void control_send(struct tender *t, uint16_t type, uint16_t flags, uint32_t id, uint32_t seq,
		  const void *payload, size_t bytes)
{
	(void)t;
	(void)seq;
	require(type == CONTROL_LINK && flags == LINK_PANIC && id == UC_ID && bytes < 160 &&
		strlen(payload) == bytes);
}

void control_ok(struct tender *t, uint32_t id, uint32_t seq, const void *payload, size_t bytes)
{
	(void)t;
	(void)seq;
	(void)payload;
	require(id == UC_ID && bytes == sizeof(struct control_started) && uc.state == UC_RUNNING);
}

bool control_congested(const struct tender *t)
{
	(void)t;
	return false;
}

bool hostfs_call(struct tender *t, struct uc *of, const struct link_frame *frame, const void *payload)
{
	(void)t;
	(void)payload;
	require(of->state == UC_RUNNING && frame->len <= LINK_PAYLOAD_MAX);
	return false;
}

void uc_kill(struct uc *of, enum control_exit_reason reason)
{
	require(of == &uc && reason == CONTROL_EXIT_PROTOCOL);
	killed = true;
}

/* Reads as far as it is told. */
void uc_note_panic(struct uc *of, const char *text, size_t bytes)
{
	require(of == &uc && bytes <= LINK_PAYLOAD_MAX);
	free(strndup(text, bytes));
}

void uc_reap(struct tender *t, struct uc *of)
{
	(void)t;
	of->state = UC_GONE;
}

void loop_change(struct tender *t, struct event_source *source, uint32_t events)
{
	(void)t;
	(void)source;
	(void)events;
}

void limits_watch(struct tender *t, struct uc *of)
{
	(void)t;
	(void)of;
}

static void answered(struct tender *t, struct uc *of, bool whole)
{
	(void)t;
	(void)of;
	(void)whole;
}

static const struct uc_hooks hooks = { .answered = answered };
static struct tender tender = { .uc_hooks = &hooks };

/* ---- packets ---- */

/* The bytes of one, behind its length; what is left. */
static const uint8_t *next_packet(const uint8_t *at, const uint8_t *end, const uint8_t **packet,
				  size_t *bytes)
{
	uint16_t length;

	if (end - at < (long)sizeof length)
		return NULL;
	memcpy(&length, at, sizeof length);
	at += sizeof length;
	*packet = at;
	*bytes = (size_t)(end - at) < length ? (size_t)(end - at) : length;
	return at + *bytes;
}

static void deliver(int guest, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *packet;
	size_t bytes;

	for (int i = 0; i < PACKETS_MAX && (at = next_packet(at, end, &packet, &bytes)); i++) {
		send(guest, packet, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (packet != end && i % 3)
			link_ready(&tender, &uc.link, EPOLLIN);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum uc_state states[] = { UC_RUNNING, UC_STARTING };
	int pair[2];

	if (!size || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	killed = false;
	uc = (struct uc){ .id = UC_ID,
			  .start.deploy_id = DEPLOY_ID,
			  .state = states[*data % 2],
			  .share.bytes = SHARE,
			  .traced = *data & 2,
			  .link = { .fd = pair[0] } };
	deliver(pair[1], data + 1, data + size);
	link_ready(&tender, &uc.link, EPOLLIN);
	close(pair[1]);
	link_ready(&tender, &uc.link, EPOLLIN | EPOLLHUP);
	require(uc.state == UC_GONE);
	close(pair[0]);
	return 0;
}

/* ---- seeds ---- */

static size_t put_frame(uint8_t *to, uint16_t type, uint16_t flags, uint32_t claimed, const void *payload,
			uint16_t bytes)
{
	struct link_frame frame = { .type = type, .flags = flags, .len = claimed };
	uint16_t length = (uint16_t)(sizeof frame + bytes);

	memcpy(to, &length, sizeof length);
	memcpy(to + sizeof length, &frame, sizeof frame);
	memcpy(to + sizeof length + sizeof frame, payload, bytes);
	return sizeof length + length;
}

uint8_t *fuzz_seed(unsigned number, size_t *size)
{
	/* The last but one is refused; nothing behind it may come out. */
	static const uint16_t types[] = { LINK_DRIVER_OUT, LINK_STDOUT, LINK_STDERR,  LINK_EXIT,
					  LINK_PANIC,      LINK_TRACE,  LINK_FS_CALL, LINK_STDOUT };
	struct link_deployed deployed = { DEPLOY_ID };
	uint8_t *seed = calloc(1, 4096);

	if (number > 2) {
		free(seed);
		return NULL;
	}
	seed[0] = (uint8_t)(number == 1);
	*size = 1;
	if (number == 1)
		*size += put_frame(seed + *size, LINK_DEPLOYED, 0, sizeof deployed, &deployed,
				   sizeof deployed);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		*size += put_frame(seed + *size, types[i], number == 2 ? LINK_MORE : 0, 8, "12345678", 8);
	return seed;
}
