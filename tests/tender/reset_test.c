/* UCs that are put back to their snapshot: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
/* The probe's own count lies in the megabyte before. */
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul
#define FAR (ROOM + (64ul << 20))
#define PAGE UC_PAGE_SIZE
#define TURNS 60

static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;
static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % bound;
}

static uint64_t host_call(uint32_t uc, uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_HOST_CALL, .nr = nr, .args = { a, b, c, d, e, 0 } })
		.result;
}

static void map(uint32_t uc, uint64_t addr, uint64_t pages, uint64_t prot)
{
	CHECK(host_call(uc, SYS_mmap, addr, pages * PAGE, prot, FIXED, -1ul) == addr);
}

static uint64_t deploy_id(uint32_t uc)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { UC_LIBOS_BASE } }).deploy_id;
}

static uint32_t deploy(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, 0, uc, from) == 0);
	return uc;
}

static uint64_t capture(uint32_t uc)
{
	struct control_captured c;

	CHECK(client_capture(&client, 0, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

/* It may be on its way to rest still, which the tender waits for, but not for long. */
static void put_back(uint32_t uc)
{
	int error;

	do
		error = client_reset(&client, 0, uc);
	while (error == EBUSY);
	CHECK(error == 0);
}

/* ---- a snapshot that tells whether it is all there ---- */

/* It has counted once; a word on each even page of ROOM. */
static uint64_t root(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	map(uc, ROOM, ROOM_PAGES, RW);
	for (uint64_t i = 0; i < ROOM_PAGES; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	return capture(uc);
}

/* Some of it is other, and twelve pages in the middle are written. */
static uint64_t child(uint64_t of)
{
	uint32_t uc = deploy(of);

	CHECK(count(uc) == 2);
	for (uint64_t i = 20; i < 32; i++)
		poke(uc, ROOM + i * PAGE, 1000 + i);
	return capture(uc);
}

static uint64_t word_of(uint64_t page, bool of_child)
{
	if (of_child && page >= 20 && page < 32)
		return 1000 + page;
	return page % 2 ? 0 : page + 1;
}

static void check_pristine(uint32_t uc, bool of_child)
{
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		CHECK(peek(uc, ROOM + i * PAGE) == word_of(i, of_child));
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		CHECK(peek(uc, ROOM + i * PAGE + 8) == 0);
	CHECK(host_call(uc, SYS_madvise, FAR, PAGE, MADV_POPULATE_READ, 0, 0) == (uint64_t)-ENOMEM);
	/* Every page of it can be written. */
	for (uint64_t i = 0; i < ROOM_PAGES; i += 7)
		poke(uc, ROOM + i * PAGE + 16, i);
	CHECK(count(uc) == (of_child ? 3 : 2));
}

static void make_a_mess(uint32_t uc)
{
	uint64_t at = ROOM + random_below(ROOM_PAGES - 8) * PAGE, bytes = (1 + random_below(8)) * PAGE;

	for (uint64_t i = 0; i < ROOM_PAGES; i += 1 + random_below(8)) {
		poke(uc, ROOM + i * PAGE, 77);
		poke(uc, ROOM + i * PAGE + 8, 78);
	}
	switch (random_below(7)) {
	case 0:
		CHECK(host_call(uc, SYS_munmap, at, bytes, 0, 0, 0) == 0);
		break;
	case 1:
		CHECK(host_call(uc, SYS_mprotect, at, bytes, random_below(2), 0, 0) == 0);
		break;
	case 2:
		CHECK(host_call(uc, SYS_madvise, at, bytes, MADV_DONTNEED, 0, 0) == 0);
		break;
	case 3:
		CHECK(host_call(uc, SYS_mremap, at, bytes, bytes, 3, FAR) == FAR);
		break;
	case 4:
		map(uc, at, bytes / PAGE, RW);
		break;
	case 5:
		map(uc, FAR, 4, RW);
		break;
	}
}

static uint64_t private_bytes(uint32_t uc)
{
	return client_stat(&client, 0, uc).private_bytes;
}

/* Whatever it has done, it is as if it was just deployed. */
static void reset_often(uint64_t snapshot, bool of_child)
{
	uint32_t uc = deploy(snapshot);
	uint64_t id = 0, most = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		CHECK(deploy_id(uc) > id);
		id = deploy_id(uc);
		check_pristine(uc, of_child);
		if (turn > 5)
			CHECK(private_bytes(uc) < most + (1 << 20));
		else
			most = private_bytes(uc);
		make_a_mess(uc);
		put_back(uc);
	}
	kill_uc(uc);
}

/* ---- tests ---- */

static void a_uc_is_put_back_to_its_snapshot(void)
{
	uint64_t s = root();

	reset_often(s, false);
	/* From a template, too. */
	for (int i = 0; i < 4; i++) {
		uint32_t uc = deploy(s);

		CHECK(count(uc) == 2);
		usleep(30000);
		kill_uc(uc);
	}
	reset_often(s, false);
}

static void lineages_are_put_back(void)
{
	uint64_t r = root(), s = child(r);
	struct message m;

	for (int i = 0; i < 4; i++) {
		uint32_t uc = deploy(r);

		CHECK(count(uc) == 2);
		usleep(30000);
		kill_uc(uc);
	}
	reset_often(s, true);
	m = client_call(&client, 0, CONTROL_COMPACT, 0, &s, sizeof s);
	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	reset_often(s, true);
}

static void a_demoted_uc_is_put_back_after_its_promotion(void)
{
	uint64_t s = root();
	struct control_demoted d;
	uint32_t uc = deploy(s);

	CHECK(count(uc) == 2 && count(uc) == 3);
	CHECK(demote_at_rest(uc, 0, &d) == 0);
	CHECK(client_reset(&client, 0, uc) == EBUSY);
	CHECK(client_promote(&client, 0, uc) == 0);
	CHECK(count(uc) == 4);
	put_back(uc);
	CHECK(count(uc) == 2);
	put_back(uc);
	CHECK(demote_at_rest(uc, 0, &d) == 0);
	CHECK(client_promote(&client, 0, uc) == 0);
	CHECK(count(uc) == 2);
	kill_uc(uc);
}

static void what_cannot_be_reset_lives_on(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	uint64_t s = root();
	uint32_t uc = next_uc++;

	CHECK(client_reset(&client, 0, 4711) == ESRCH);
	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(client_reset(&client, 0, uc) == EOPNOTSUPP);
	CHECK(count(uc) == 1);
	kill_uc(uc);
	uc = deploy(s);
	CHECK(host_call(uc, SYS_mprotect, UC_LIBOS_BASE, PAGE, 7, 0, 0) == 0);
	CHECK(client_reset(&client, 0, uc) == EOPNOTSUPP);
	CHECK(count(uc) == 2);
	poke(uc, UC_LIBOS_BASE + 16, peek(uc, UC_LIBOS_BASE + 16));
	CHECK(host_call(uc, SYS_mprotect, UC_LIBOS_BASE, PAGE, 5, 0, 0) == 0);
	CHECK(client_reset(&client, 0, uc) == EOPNOTSUPP);
	CHECK(count(uc) == 3);
	/* The page that shows again is the file's. */
	CHECK(host_call(uc, SYS_madvise, UC_LIBOS_BASE, PAGE, MADV_DONTNEED, 0, 0) == 0);
	put_back(uc);
	CHECK(count(uc) == 2);
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	CHECK(client_reset(&client, 0, uc) == EBUSY);
	kill_uc(uc);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: reset_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(a_uc_is_put_back_to_its_snapshot);
	RUN(lineages_are_put_back);
	RUN(a_demoted_uc_is_put_back_after_its_promotion);
	RUN(what_cannot_be_reset_lives_on);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
