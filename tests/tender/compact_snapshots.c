#include "compact_snapshots.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "check.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)

uint64_t next_snapshot = 1;
static uint32_t next_uc = 1;

void map(uint32_t uc, uint64_t addr, uint64_t pages)
{
	struct probe_call call = { .op = PROBE_HOST_CALL,
				   .nr = SYS_mmap,
				   .args = { addr, pages * PAGE, 3, FIXED, -1ul, 0 } };

	CHECK(ask(uc, &call).result == addr);
}

uint32_t deploy(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, tender, uc, from) == 0);
	return uc;
}

struct control_demoted demote(uint32_t uc, uint64_t snapshot)
{
	struct control_demoted d;

	CHECK(demote_at_rest(uc, snapshot, &d) == 0);
	return d;
}

uint64_t capture(uint32_t uc, bool keep)
{
	struct control_captured c;

	CHECK(client_capture(&client, tender, uc, next_snapshot, keep, &c) == 0);
	return next_snapshot++;
}

void drop(uint64_t snapshot)
{
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		struct message m = client_call(&client, i, CONTROL_DROP, 0, &snapshot, sizeof snapshot);

		CHECK(m.frame.type == CONTROL_OK);
		message_free(&m);
	}
}

int try_compact(uint64_t snapshot, struct control_compacted *out)
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

struct control_compacted compact(uint64_t snapshot)
{
	struct control_compacted c;

	CHECK(try_compact(snapshot, &c) == 0);
	return c;
}

struct control_inspected inspect(int i, uint64_t snapshot)
{
	struct message m = client_call(&client, i, CONTROL_INSPECT, 0, &snapshot, sizeof snapshot);
	struct control_inspected out;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof out);
	memcpy(&out, m.payload, sizeof out);
	message_free(&m);
	return out;
}

uint64_t root(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	map(uc, ROOM, ROOM_PAGES);
	for (uint64_t i = 0; i < ROOM_PAGES; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	return capture(uc, false);
}

uint64_t child(uint64_t parent, uint64_t value)
{
	uint32_t uc = deploy(parent);

	CHECK(count(uc));
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE + 8, value + i);
	return capture(uc, false);
}

void check_child(uint32_t uc, uint64_t counts, uint64_t value)
{
	CHECK(count(uc) == counts);
	for (uint64_t i = 0; i < ROOM_PAGES; i++) {
		CHECK(peek(uc, ROOM + i * PAGE) == (i % 2 ? 0 : i + 1));
		CHECK(peek(uc, ROOM + i * PAGE + 8) == value + i);
	}
}
