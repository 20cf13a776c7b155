/*
 * What a UC may take of memory, and what the node is told of it: a real tender, with the probe as its library
 * OS.
 */
#include "check.h"
#include "probed_uc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
/* How far a UC may get beyond its limit until it is seen. */
#define MORE (128ul << 20)
#define HUGE (2ul << 30)
#define ROOM (UC_ARENA_BASE + (1ul << 30))
#define MB (1ul << 20)
#define WAIT_MS 20000
/* A UC that has slept so long is not looked at any more. */
#define SLEEP_MS 400

static uint32_t next_uc = 1;
static char root[] = "/tmp/seuss-limits-XXXXXX";

static uint32_t boot(uint64_t limit)
{
	client_boot(&client, 0, next_uc, limit, root);
	return next_uc++;
}

static void begin(uint32_t uc, uint64_t bytes, uint64_t chunk, uint64_t sleep_ms)
{
	struct probe_call grow = { .op = PROBE_GROW, .args = { ROOM, bytes, chunk, sleep_ms } };

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &grow, sizeof grow);
}

static void is_stopped_in_time(uint64_t chunk, uint64_t sleep_ms)
{
	uint32_t uc = boot(MEMORY);

	begin(uc, HUGE, chunk, sleep_ms);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_MEMORY);
	CHECK(client.last_exit.max_rss_bytes > MEMORY - 2 * MB); /* page tables come on top */
	CHECK(client.last_exit.max_rss_bytes < MEMORY + MORE);
}

static void growth_at_full_speed_is_seen(void)
{
	is_stopped_in_time(64 * 1024, 0);
	is_stopped_in_time(UC_POPULATE_MAX, 0);
}

static void growth_after_a_sleep_is_seen(void)
{
	for (int i = 0; i < 4; i++)
		is_stopped_in_time(1 * MB, SLEEP_MS);
}

/* Of many, each wakes by itself. */
static void sleepers_among_many_are_seen(void)
{
	uint32_t first = next_uc, count = 24;

	for (uint32_t i = 0; i < count; i++)
		boot(MEMORY);
	for (uint32_t i = 0; i < count; i++)
		begin(first + i, i % 3 ? MB : HUGE, MB, SLEEP_MS);
	for (uint32_t i = 0; i < count; i += 3) {
		struct message m;

		do {
			CHECK(client_receive(&client, 0, WAIT_MS, &m));
			if (m.frame.type == CONTROL_EXIT) {
				struct control_exit end;

				memcpy(&end, m.payload, sizeof end);
				CHECK((m.frame.uc - first) % 3 == 0);
				CHECK(end.reason == CONTROL_EXIT_MEMORY && end.max_rss_bytes < MEMORY + MORE);
			}
			message_free(&m);
		} while (m.frame.type != CONTROL_EXIT);
	}
	for (uint32_t i = 0; i < count; i++)
		kill_uc(first + i);
}

/* What the UC has once the node is told that it has at least, or at most, so much. */
static uint64_t await_told(uint32_t uc, uint64_t least, uint64_t most)
{
	uint64_t bytes = 0;

	do {
		struct message m;

		CHECK(client_receive(&client, 0, WAIT_MS, &m));
		if (m.frame.type == CONTROL_MEMORY && m.frame.uc == uc) {
			CHECK(m.frame.len == sizeof bytes && m.frame.seq == 0);
			memcpy(&bytes, m.payload, sizeof bytes);
		}
		message_free(&m);
	} while (!bytes || bytes < least || bytes > most);
	return bytes;
}

static void the_node_is_told_what_a_uc_takes(void)
{
	struct probe_call give_back = { .op = PROBE_HOST_CALL, .nr = SYS_munmap, .args = { ROOM, 32 * MB } };
	uint32_t uc = boot(MEMORY);

	begin(uc, 32 * MB, MB, 0);
	await_told(uc, 31 * MB, 40 * MB);
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &give_back, sizeof give_back);
	await_told(uc, 1, 4 * MB);
	/* It is not watched any more, and grows in its sleep. */
	begin(uc, 16 * MB, MB, SLEEP_MS);
	await_told(uc, 15 * MB, 20 * MB);
	kill_uc(uc);
}

/* The node takes it for the reason that memory is short. */
static void a_uc_may_be_ended_for_its_memory(void)
{
	uint32_t uc = boot(MEMORY);

	client_send(&client, 0, CONTROL_KILL, CONTROL_KILL_MEMORY, uc, 77, "", 0);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_MEMORY);
}

/* Pages that it reads in files of the host, and none of its own, are not its memory; page tables are. */
static void reading_costs_page_tables(void)
{
	struct probe_call map = { .op = PROBE_HOST_CALL,
				  .nr = SYS_mmap,
				  .args = { ROOM, 1ul << 36, PROT_READ,
					    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1ul,
					    0 } };
	struct probe_call read_all = { .op = PROBE_SUM, .args = { ROOM, 1ul << 36, 2 * MB } };
	uint32_t uc = boot(MEMORY);

	CHECK(ask(uc, &map).result == ROOM);
	/* 32,768 tables of 4 KiB. */
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &read_all, sizeof read_all);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_MEMORY);
}

/*
 * Where the host lets a group be made: what no tender has seen yet the kernel stops, and it is called by its
 * name.
 */
static void all_together_are_bounded(const char *tender_path, const char *libos_path)
{
	uint32_t spared, greedy;

	client_start_within(&client, tender_path, libos_path, "134217728");
	if (!client_greet(&client, 0).memory_group) {
		printf("the host grants no memory cgroup\n");
	} else {
		spared = boot(HUGE);
		greedy = boot(HUGE);
		begin(greedy, HUGE / 2, 2 * MB, 0);
		client_await_exit(&client, 0, greedy);
		CHECK(client.last_exit.reason == CONTROL_EXIT_MEMORY);
		CHECK(client.last_exit.max_rss_bytes < 160 * MB);
		CHECK(count(spared) == 1);
		kill_uc(spared);
	}
	CHECK(client_stop(&client) == 0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: limits_test TENDER PROBE\n");
		return 2;
	}
	CHECK(mkdtemp(root));
	client_start(&client, argv[1], argv[2]);
	RUN(growth_at_full_speed_is_seen);
	RUN(growth_after_a_sleep_is_seen);
	RUN(sleepers_among_many_are_seen);
	RUN(the_node_is_told_what_a_uc_takes);
	RUN(a_uc_may_be_ended_for_its_memory);
	RUN(reading_costs_page_tables);
	CHECK(client_stop(&client) == 0);
	all_together_are_bounded(argv[1], argv[2]);
	printf("ok all_together_are_bounded\n");
	CHECK(rmdir(root) == 0);
	return 0;
}
