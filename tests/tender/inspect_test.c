/* A real tender with the probe: what can be learned of snapshots, and captures of a guest at work. */
#include "check.h"
#include "tender_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../abi/layout.h"
#include "../../abi/plan.h"

#define MEMORY (64ul << 20)
#define ARENA (UC_ARENA_BASE + (1ul << 30))
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define PAGE UC_PAGE_SIZE
#define WAIT_MS 5000

static struct client client;
static uint32_t next_uc = 1;
static char root[] = "/tmp/seuss-inspect-XXXXXX";

static uint32_t boot(void)
{
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, root);
	return uc;
}

static uint64_t ask(uint32_t uc, const struct probe_call *call)
{
	struct probe_result r;

	CHECK(client_probe(&client, 0, uc, call, &r) == PROBE_ANSWERED);
	return r.result;
}

static void map(uint32_t uc, uint64_t addr, uint64_t bytes)
{
	CHECK(ask(uc, &(struct probe_call){
			      PROBE_HOST_CALL, SYS_mmap, { addr, bytes, 3, FIXED, -1ul, 0 } }) == addr);
}

static void poke(uint32_t uc, uint64_t addr, uint64_t word)
{
	CHECK(ask(uc, &(struct probe_call){ PROBE_POKE, 0, { addr, word } }) == word);
}

static void kill_uc(uint32_t uc)
{
	struct message m = client_call(&client, 0, CONTROL_KILL, uc, "", 0);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

static void capture(uint32_t uc, uint64_t number)
{
	struct control_captured c;

	CHECK(client_capture(&client, 0, uc, number, true, &c) == 0);
}

static struct control_inspected inspect(int tender, uint64_t number)
{
	struct message m = client_call(&client, tender, CONTROL_INSPECT, 0, &number, sizeof number);
	struct control_inspected i;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len == sizeof i);
	memcpy(&i, m.payload, sizeof i);
	message_free(&m);
	return i;
}

/* The run that holds addr; kind 0 if none does. */
static struct control_diff_run run_at(uint64_t a, uint64_t b, uint64_t addr)
{
	struct control_diff request = { a, b };
	struct message m = client_call(&client, 0, CONTROL_DIFF, 0, &request, sizeof request);
	const struct control_diff_run *runs = (const void *)m.payload;
	struct control_diff_run found = { 0 };
	size_t count = m.frame.len / sizeof *runs;

	CHECK(m.frame.type == CONTROL_OK && m.frame.len % sizeof *runs == 0);
	for (size_t i = 0; i < count; i++) {
		CHECK(runs[i].bytes && !i == !(i && runs[i].start >= runs[i - 1].start + runs[i - 1].bytes));
		if (addr >= runs[i].start && addr - runs[i].start < runs[i].bytes)
			found = runs[i];
	}
	message_free(&m);
	return found;
}

static void a_snapshot_tells_what_it_is_made_of(void)
{
	uint32_t uc = boot();
	struct control_inspected first, second;

	map(uc, ARENA, 16 * PAGE);
	capture(uc, 1);
	for (int i = 0; i < 16; i++)
		poke(uc, ARENA + i * PAGE, 1);
	kill_uc(uc);
	uc = next_uc++;
	CHECK(client_deploy(&client, 0, uc, 1) == 0);
	for (int i = 0; i < 10; i++)
		poke(uc, ARENA + i * PAGE, 2);
	capture(uc, 2);
	first = inspect(0, 1);
	second = inspect(0, 2);
	CHECK(first.parent == 0 && first.layers == 1 && first.shared_pages == 0 &&
	      first.own_source == UC_IMAGE_MAX);
	CHECK(first.own_pages > 0 && first.own_bytes >= first.own_pages * PAGE);
	CHECK(second.parent == 1 && second.layers == 2 && second.shared_pages > 0 && second.maps > 0);
	CHECK(second.own_pages >= 10 && second.own_pages < 10 + 30 && second.own_source != PLAN_ANONYMOUS);
	CHECK(second.form == CONTROL_FORM_PAGES && second.clock_monotonic_ns >= first.clock_monotonic_ns);
	/* It waits for a message. */
	CHECK(second.r[0] == SYS_recvmsg && second.r[5] == UC_LINK_FD);
	CHECK(second.rip >= UC_LIBOS_BASE && second.rip < UC_LIBOS_END && second.guest_rip == 0);
	CHECK(inspect(1, 2).rip == second.rip);
}

static void a_difference_names_each_page(void)
{
	uint32_t uc = boot();
	struct control_diff_run run;

	map(uc, ARENA, 2048 * PAGE);
	for (int i = 0; i < 8; i++)
		poke(uc, ARENA + i * PAGE, 1);
	capture(uc, 10);
	poke(uc, ARENA + 2 * PAGE, 5);
	poke(uc, ARENA + 3 * PAGE, 5);
	poke(uc, ARENA + 3 * PAGE + 8, 5);
	poke(uc, ARENA + 5 * PAGE, 1);
	poke(uc, ARENA + 2000 * PAGE, 9);
	map(uc, ARENA + 4096 * PAGE, 4 * PAGE);
	CHECK(ask(uc, &(struct probe_call){ PROBE_HOST_CALL, SYS_mprotect, { ARENA + 6 * PAGE, PAGE, 1 } }) ==
	      0);
	CHECK(ask(uc, &(struct probe_call){ PROBE_HOST_CALL, SYS_munmap, { ARENA + 7 * PAGE, PAGE } }) == 0);
	capture(uc, 11);
	run = run_at(10, 11, ARENA + 3 * PAGE);
	CHECK(run.kind == CONTROL_DIFF_BYTES && run.start == ARENA + 2 * PAGE && run.bytes == 2 * PAGE &&
	      run.words == 3);
	CHECK(run_at(10, 11, ARENA + 5 * PAGE).kind == 0);
	CHECK(run_at(10, 11, ARENA + 2000 * PAGE).words == 1);
	run = run_at(10, 11, ARENA + 4097 * PAGE);
	CHECK(run.kind == CONTROL_DIFF_ONLY_B && run.start == ARENA + 4096 * PAGE && run.bytes == 4 * PAGE);
	CHECK(run_at(11, 10, ARENA + 4097 * PAGE).kind == CONTROL_DIFF_ONLY_A);
	CHECK(run_at(10, 11, ARENA + 6 * PAGE).kind == CONTROL_DIFF_ACCESS);
	CHECK(run_at(10, 11, ARENA + 7 * PAGE).kind == CONTROL_DIFF_ONLY_A);
	CHECK(run_at(10, 10, ARENA).kind == 0 && run_at(11, 11, ARENA).kind == 0);
	/* The probe's own data has changed as well. */
	CHECK(run_at(10, 11, inspect(0, 11).r[7]).kind == CONTROL_DIFF_BYTES);
}

static int32_t refused(uint16_t type, const void *request, size_t bytes)
{
	struct message m = client_call(&client, 0, type, 0, request, bytes);
	int32_t error;

	CHECK(m.frame.type == CONTROL_ERROR && m.frame.len >= sizeof error);
	memcpy(&error, m.payload, sizeof error);
	message_free(&m);
	return error;
}

static void what_is_not_there_is_refused(void)
{
	struct control_diff request = { 10, 12345 };
	uint64_t unknown = 12345;

	CHECK(refused(CONTROL_DIFF, &request, sizeof request) == ENOENT);
	CHECK(refused(CONTROL_INSPECT, &unknown, sizeof unknown) == ENOENT);
	CHECK(refused(CONTROL_DIFF, &request, 3) == EINVAL);
	CHECK(refused(CONTROL_INSPECT, &unknown, 3) == EINVAL);
}

/* A difference outlives its snapshots, and UCs are served while it is worked out. */
static void a_difference_holds_nobody_up(void)
{
	uint32_t uc = boot(), seq = client.next_seq + 1000;
	struct probe_call fill = { .op = PROBE_FILL, .args = { ARENA, 32ul << 20 } };
	struct control_diff request = { 20, 21 };
	uint64_t number = 20;
	struct message m;
	bool answered = false;

	map(uc, ARENA, 32ul << 20);
	capture(uc, 20);
	CHECK(ask(uc, &fill) == 32ul << 20);
	capture(uc, 21);
	client_send(&client, 0, CONTROL_DIFF, 0, 0, seq, &request, sizeof request);
	client_send(&client, 0, CONTROL_DROP, 0, 0, seq + 1, &number, sizeof number);
	for (uint32_t expected = seq + 1; !answered; message_free(&m)) {
		CHECK(client_receive(&client, 0, WAIT_MS, &m));
		CHECK(m.frame.type == CONTROL_OK && m.frame.seq == expected);
		answered = expected == seq;
		expected = seq;
	}
}

static void send_call(uint32_t uc, const struct probe_call *call)
{
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, call, sizeof *call);
}

/* Replies to a live capture: 0, or the errno; *cut says after how many messages of the UC it came. */
static int capture_live(uint32_t uc, uint64_t number, int *cut)
{
	struct control_capture request = { .snapshot = number,
					   .flags = CONTROL_CAPTURE_KEEP | CONTROL_CAPTURE_LIVE };
	uint32_t seq = client.next_seq + 1000;
	int32_t error = -1;
	int links = 0;

	*cut = -1;
	client_send(&client, 0, CONTROL_CAPTURE, 0, uc, seq, &request, sizeof request);
	while (error < 0) {
		struct message m;

		CHECK(client_receive(&client, 0, WAIT_MS, &m));
		if (m.frame.type == CONTROL_LINK)
			links++;
		else if (m.frame.type == CONTROL_CUT)
			*cut = links;
		else if (m.frame.type == CONTROL_OK)
			error = 0;
		else
			memcpy(&error, m.payload, sizeof error);
		message_free(&m);
	}
	return error;
}

static void a_guest_at_work_is_cut(void)
{
	struct probe_call spin = { .op = PROBE_SPIN }, say = { .op = PROBE_PEEK, .args = { UC_LIBOS_BASE } };
	uint32_t uc = boot(), clone;
	int cut, error;

	send_call(uc, &say);
	send_call(uc, &spin);
	/* Until it has taken both it is refused, and runs on. */
	while ((error = capture_live(uc, 30, &cut)) == EBUSY)
		CHECK(cut < 0);
	CHECK(error == 0 && cut >= 0 && cut <= 1);
	/* What waits in its link is in no snapshot. */
	send_call(uc, &say);
	CHECK(capture_live(uc, 31, &cut) == EBUSY && cut < 0);
	clone = next_uc++;
	CHECK(client_deploy(&client, 0, clone, 30) == 0);
	/* It works: it takes no message either. */
	CHECK(capture_live(clone, 32, &cut) == 0 && cut == 0);
	CHECK(inspect(0, 32).parent == 30);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: inspect_test TENDER PROBE\n");
		return 2;
	}
	CHECK(mkdtemp(root));
	client_start(&client, argv[1], argv[2]);
	RUN(a_snapshot_tells_what_it_is_made_of);
	RUN(a_difference_names_each_page);
	RUN(what_is_not_there_is_refused);
	RUN(a_difference_holds_nobody_up);
	RUN(a_guest_at_work_is_cut);
	CHECK(client_stop(&client) == 0);
	CHECK(rmdir(root) == 0);
	return 0;
}
