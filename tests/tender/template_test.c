/* Templates and the working sets that they learn: a real tender, with the probe as its library OS. */
#include "check.h"
#include "probed_uc.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 256ul
#define PAGE UC_PAGE_SIZE
/* Of a run: each alone among 31 that it leaves. */
#define READ_EACH 32ul
#define DEPLOYS_MAX 60

static uint32_t next_uc = 1;

static uint64_t host_call(uint32_t uc, uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_HOST_CALL,
					     .nr = nr,
					     .args = { a, b, c, FIXED, -1ul, 0 } })
		.result;
}

/* A word on each page of ROOM, which can only be read. */
static uint64_t room_snapshot(uint64_t number)
{
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	CHECK(host_call(uc, SYS_mmap, ROOM, ROOM_PAGES * PAGE, PROT_READ | PROT_WRITE) == ROOM);
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		poke(uc, ROOM + i * PAGE, i + 1);
	CHECK(host_call(uc, SYS_mprotect, ROOM, ROOM_PAGES * PAGE, PROT_READ) == 0);
	CHECK(client_capture(&client, 0, uc, number, false, &c) == 0);
	return number;
}

/* One call, so one answer: the sum of the words on the pages that are read, of which `first` is the first. */
static uint64_t read_from(uint32_t uc, uint64_t first)
{
	return ask(uc, &(struct probe_call){ .op = PROBE_SUM,
					     .args = { ROOM + first * PAGE, (ROOM_PAGES - first) * PAGE,
						       READ_EACH * PAGE } })
		.result;
}

static uint64_t read_some(uint32_t uc)
{
	return read_from(uc, 0);
}

static void a_working_set_is_what_is_read(void)
{
	uint64_t s = room_snapshot(1), pages = ROOM_PAGES / READ_EACH, first = 0, last = 0;
	int deploys = 0;

	/*
	 * Bytes that are mapped after the run: at first with what the kernel maps around, 15 pages for each.
	 */
	do {
		uint32_t uc = next_uc++;

		CHECK(client_deploy(&client, 0, uc, s) == 0);
		CHECK(read_some(uc) == pages + READ_EACH * pages * (pages - 1) / 2);
		CHECK(count(uc) == 2);
		last = client_stat(&client, 0, uc).shared_bytes;
		first = first ? first : last;
		for (uint64_t i = 0; i < ROOM_PAGES; i++)
			CHECK(peek(uc, ROOM + i * PAGE) == i + 1);
		kill_uc(uc);
	} while (last + pages * 8 * PAGE > first && ++deploys < DEPLOYS_MAX);
	CHECK(deploys < DEPLOYS_MAX);
}

/* Bytes that a run maps in a new UC of s. */
static uint64_t mapped_by_run_from(uint64_t s, uint32_t uc, uint64_t first)
{
	uint64_t before;

	CHECK(client_deploy(&client, 0, uc, s) == 0);
	before = client_stat(&client, 0, uc).shared_bytes;
	read_from(uc, first);
	return client_stat(&client, 0, uc).shared_bytes - before;
}

static uint64_t mapped_by_run(uint64_t s, uint32_t uc)
{
	return mapped_by_run_from(s, uc, 0);
}

/*
 * Its pages are there from the start, once the template that learned is; and it can be written no more than
 * before.
 */
static void an_embryo_inherits_a_read_only_mapping(void)
{
	uint32_t uc = next_uc++;
	int deploys = 0;

	while (mapped_by_run(1, uc) >= ROOM_PAGES / READ_EACH / 2 * PAGE) {
		CHECK(++deploys < DEPLOYS_MAX);
		kill_uc(uc);
		uc = next_uc++;
	}
	for (uint64_t i = 0; i < ROOM_PAGES; i++)
		CHECK(host_call(uc, SYS_clock_gettime, 0, ROOM + i * PAGE, 0) == -(uint64_t)EFAULT);
	kill_uc(uc);
}

static uint64_t compact_child(uint64_t parent, uint64_t number, uint64_t page, uint64_t counted)
{
	struct control_captured c;
	struct message m;
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, 0, uc, parent) == 0);
	CHECK(count(uc) == counted);
	CHECK(host_call(uc, SYS_mprotect, ROOM + page * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	poke(uc, ROOM + page * PAGE, 1000 + page);
	CHECK(host_call(uc, SYS_mprotect, ROOM + page * PAGE, PAGE, PROT_READ) == 0);
	CHECK(client_capture(&client, 0, uc, number, false, &c) == 0);
	m = client_call(&client, 0, CONTROL_COMPACT, 0, &number, sizeof number);
	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	return number;
}

/*
 * Whatever was learned, and for each snapshot of the lineage by itself: private pages of a template stay what
 * they are.
 */
static void words_of_a_lineage_stay(void)
{
	uint64_t child = compact_child(room_snapshot(10), 11, 5, 2),
		 grandchild = compact_child(child, 12, 6, 3);

	for (int i = 0; i < DEPLOYS_MAX; i++) {
		uint64_t s = i % 3 ? grandchild : child, counted = i % 3 ? 4 : 3;
		uint32_t uc = next_uc++;

		CHECK(client_deploy(&client, 0, uc, s) == 0);
		CHECK(count(uc) == counted);
		CHECK(peek(uc, ROOM + 5 * PAGE) == 1005);
		CHECK(peek(uc, ROOM + 6 * PAGE) == (i % 3 ? 1006 : 7));
		CHECK(peek(uc, ROOM + 7 * PAGE) == 8);
		kill_uc(uc);
	}
}

/* Each is started once: as after a restart, only their parent is started from often. */
static uint64_t compact_children(uint64_t parent, uint64_t first, int count_of_children)
{
	uint32_t uc = next_uc++;
	struct message m;

	CHECK(client_deploy(&client, 0, uc, parent) == 0);
	for (int i = 0; i < count_of_children; i++) {
		uint64_t number = first + (uint64_t)i;
		struct control_captured c;

		CHECK(client_capture(&client, 0, uc, number, true, &c) == 0);
		m = client_call(&client, 0, CONTROL_COMPACT, 0, &number, sizeof number);
		CHECK(m.frame.type == CONTROL_OK);
		message_free(&m);
	}
	kill_uc(uc);
	return first;
}

static void children_teach_their_parents_template(void)
{
	uint64_t parent = room_snapshot(20), child = compact_children(parent, 100, DEPLOYS_MAX),
		 last = child + DEPLOYS_MAX;
	uint32_t uc = next_uc++;
	struct message m;
	uint64_t mapped;
	int deploys = 0;

	while (mapped_by_run(child++, uc) >= ROOM_PAGES / READ_EACH / 2 * PAGE) {
		CHECK(child < last);
		kill_uc(uc);
		uc = next_uc++;
	}
	CHECK(count(uc) == 2 && peek(uc, ROOM + PAGE) == 2);
	kill_uc(uc);
	/*
	 * A run from the parent itself, which loads code as well, needs other pages, and its template learns
	 * these.
	 */
	do {
		CHECK(++deploys < DEPLOYS_MAX);
		uc = next_uc++;
		mapped = mapped_by_run_from(parent, uc, READ_EACH / 2);
		CHECK(count(uc) == 2);
		/* It learns while it has nothing to do. */
		CHECK(!client_receive(&client, 0, 20, &m));
		kill_uc(uc);
	} while (mapped >= ROOM_PAGES / READ_EACH / 2 * PAGE);
}

static void a_traced_uc_teaches_nothing(void)
{
	struct control_deploy traced = { .snapshot = room_snapshot(30), .memory_limit = MEMORY, .trace = 1 };
	uint32_t uc;

	for (int deploys = 0; deploys < 10; deploys++) {
		struct message m;

		uc = next_uc++;
		m = client_call(&client, 0, CONTROL_DEPLOY, uc, &traced, sizeof traced);
		CHECK(m.frame.type == CONTROL_OK);
		message_free(&m);
		read_some(uc);
		CHECK(count(uc) == 2);
		/* Others are learned from while there is nothing to do. */
		CHECK(!client_receive(&client, 0, 20, &m));
		kill_uc(uc);
	}
	uc = next_uc++;
	CHECK(mapped_by_run(traced.snapshot, uc) >= ROOM_PAGES / READ_EACH / 2 * PAGE);
	kill_uc(uc);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: template_test TENDER PROBE\n");
		return 2;
	}
	client_start(&client, argv[1], argv[2]);
	RUN(a_working_set_is_what_is_read);
	RUN(an_embryo_inherits_a_read_only_mapping);
	RUN(words_of_a_lineage_stay);
	RUN(children_teach_their_parents_template);
	RUN(a_traced_uc_teaches_nothing);
	CHECK(WIFEXITED(client_stop(&client)));
	return 0;
}
