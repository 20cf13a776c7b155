/*
 * Snapshots of memory of which few pages were touched: what clones read of the rest costs nobody anything
 * that was not counted with the snapshot. A real tender, with the probe as its library OS.
 */
#include "check.h"
#include "probed_uc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (256ul << 20)
#define ROOM (UC_ARENA_BASE + (1ul << 30))
#define PAGE 4096ul
#define MB (1ul << 20)

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;
static char root[] = "/tmp/seuss-sparse-XXXXXX";

static uint32_t deploy(uint64_t from)
{
	struct control_deploy request = { .snapshot = from, .memory_limit = MEMORY };
	uint32_t uc = next_uc++;
	struct message m = client_call(&client, tender, CONTROL_DEPLOY, uc, &request, sizeof request);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	return uc;
}

static struct control_captured capture(uint32_t uc, uint64_t number)
{
	struct control_captured c;

	CHECK(client_capture(&client, tender, uc, number, false, &c) == 0);
	return c;
}

/* Of the snapshot's own files, by the kernel's account. */
static uint64_t own_bytes(uint64_t number)
{
	struct message m = client_call(&client, tender, CONTROL_INSPECT, 0, &number, sizeof number);
	struct control_inspected i;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof i);
	memcpy(&i, m.payload, sizeof i);
	message_free(&m);
	return i.own_bytes;
}

static uint64_t expected_sum(uint64_t bytes, uint64_t step)
{
	uint64_t sum = 0;

	for (uint64_t at = ROOM; at < ROOM + bytes; at += step)
		sum += at;
	return sum;
}

static void read_all(uint64_t number, uint64_t bytes, uint64_t step)
{
	uint32_t uc = deploy(number);

	CHECK(ask(uc, &(struct probe_call){ .op = PROBE_SUM, .args = { ROOM, bytes, PAGE } }).result ==
	      expected_sum(bytes, step));
	kill_uc(uc);
}

/* Bytes that the snapshot has counted, of a booted UC or a clone that has touched a word at each step. */
static uint64_t sparse(bool child, uint64_t number, uint64_t bytes, uint64_t step, uint32_t *maps)
{
	struct probe_call touch = { .op = PROBE_TOUCH, .args = { ROOM, bytes, step } };
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, tender, uc, MEMORY, root);
	if (child) {
		uint64_t parent = next_snapshot++;

		capture(uc, parent);
		uc = deploy(parent);
	}
	CHECK(ask(uc, &touch).result == bytes / step);
	c = capture(uc, number);
	*maps = c.maps;
	return c.own_pages * PAGE;
}

static void a_few_pages_far_apart_have_no_holes_between_them(void)
{
	for (int child = 0; child < 2; child++) {
		uint64_t number = next_snapshot++, before;
		uint32_t maps;

		CHECK(sparse(child, number, 256 * MB, 4 * MB, &maps) < 2 * MB);
		before = own_bytes(number);
		CHECK(before < 2 * MB && maps < 500);
		read_all(number, 256 * MB, 4 * MB);
		CHECK(own_bytes(number) < before + MB); /* a plan may have come */
	}
}

static void a_lot_of_pages_have_holes_that_are_counted(void)
{
	uint64_t number = next_snapshot++, counted;
	uint32_t maps;

	counted = sparse(true, number, 200 * MB, 64 * 1024, &maps);
	CHECK(maps < 500 && own_bytes(number) < 30 * MB);
	read_all(number, 200 * MB, 64 * 1024);
	CHECK(own_bytes(number) > 190 * MB);
	CHECK(own_bytes(number) <= counted + MB && counted <= MEMORY);
}

static void what_would_count_too_much_has_mappings_instead(void)
{
	uint64_t number = next_snapshot++, before;
	uint32_t maps;

	CHECK(sparse(true, number, 2048 * MB, MB, &maps) < 10 * MB);
	before = own_bytes(number);
	CHECK(before < 10 * MB && maps > 4000);
	read_all(number, 2048 * MB, MB);
	CHECK(own_bytes(number) < before + MB); /* a plan may have come */
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: sparse_test TENDER PROBE\n");
		return 2;
	}
	CHECK(mkdtemp(root));
	client_start(&client, argv[1], argv[2]);
	RUN(a_few_pages_far_apart_have_no_holes_between_them);
	RUN(a_lot_of_pages_have_holes_that_are_counted);
	RUN(what_would_count_too_much_has_mappings_instead);
	client_stop(&client);
	CHECK(rmdir(root) == 0);
	return 0;
}
