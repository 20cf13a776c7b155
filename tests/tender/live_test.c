/*
 * A real tender, with the probe as its library OS: what a node can rely on of snapshots, limits and ends.
 */
#include "check.h"
#include "tender_client.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"

#define MEMORY (64ul << 20)
#define ARENA (UC_ARENA_BASE + (1ul << 30))
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define GONE_WAIT_MS 5000
#define SPIN_NS 10000000 /* a guest that spins uses more than that */

static struct client client;
static const char *tender_path, *libos_path;
static uint32_t next_uc = 1;

static uint32_t boot(int i)
{
	uint32_t uc = next_uc++;

	client_boot(&client, i, uc, MEMORY, "/");
	return uc;
}

static uint64_t ask(int i, uint32_t uc, const struct probe_call *call)
{
	struct probe_result r;

	CHECK(client_probe(&client, i, uc, call, &r) == PROBE_ANSWERED);
	return r.result;
}

static uint64_t count(int i, uint32_t uc)
{
	return ask(i, uc, &(struct probe_call){ .op = PROBE_COUNT });
}

static void kill_uc(int i, uint32_t uc)
{
	struct message m = client_call(&client, i, CONTROL_KILL, uc, "", 0);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

/* ---- capture and deploy ---- */

static void a_snapshot_goes_on_where_it_was_taken(void)
{
	struct control_captured c;
	uint32_t uc = boot(0), clone;

	for (uint64_t i = 1; i <= 3; i++)
		CHECK(count(0, uc) == i);
	CHECK(client_capture(&client, 0, uc, 1, true, &c) == 0);
	CHECK(c.parent == 0 && c.own_pages > 0 && c.shared_pages == 0 && c.maps > 0);
	CHECK(count(0, uc) == 4);
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		clone = next_uc++;
		CHECK(client_deploy(&client, i, clone, 1) == 0);
		CHECK(count(i, clone) == 4);
		CHECK(count(i, clone) == 5);
		kill_uc(i, clone);
	}
	CHECK(count(0, uc) == 5);
	CHECK(client_capture(&client, 0, uc, 1, true, &c) == EEXIST);
	CHECK(client_deploy(&client, 0, uc, 1) == EEXIST);
	CHECK(client_deploy(&client, 0, next_uc++, 12345) == ENOENT);
	kill_uc(0, uc);
}

/* Deeper than descriptors fit into one message. */
static void lineages_may_be_deep(void)
{
	struct control_captured c;
	uint32_t uc = boot(0);
	uint64_t expect = 1;

	CHECK(count(0, uc) == expect);
	for (uint64_t level = 1000; level < 1070; level++) {
		struct probe_call map = { .op = PROBE_HOST_CALL,
					  .nr = SYS_mmap,
					  .args = { ARENA + (level << 16), 4096, 3, FIXED, -1ul, 0 } };
		struct probe_call poke = { .op = PROBE_POKE, .args = { ARENA + (level << 16), level } };

		ask(0, uc, &map);
		CHECK(ask(0, uc, &poke) == level);
		CHECK(client_capture(&client, 0, uc, level, false, &c) == 0);
		CHECK(c.parent == (level > 1000 ? level - 1 : 0));
		kill_uc(0, uc);
		uc = next_uc++;
		CHECK(client_deploy(&client, 0, uc, level) == 0);
		CHECK(count(0, uc) == ++expect);
	}
	for (uint64_t level = 1000; level < 1070; level++) {
		struct probe_call peek = { .op = PROBE_PEEK, .args = { ARENA + (level << 16) } };

		CHECK(ask(0, uc, &peek) == level);
	}
	kill_uc(0, uc);
}

static void a_spinning_guest_can_be_captured(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	struct control_captured c;
	uint32_t uc = boot(0), clone = next_uc++;

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	client_await_cpu(&client, 0, uc, SPIN_NS);
	CHECK(client_capture(&client, 0, uc, 2, false, &c) == 0);
	CHECK(client_deploy(&client, 0, clone, 2) == 0);
	client_await_cpu(&client, 0, clone, SPIN_NS);
	kill_uc(0, clone);
}

static void a_dropped_snapshot_lives_on_in_its_ucs(void)
{
	struct control_captured c;
	uint32_t uc = boot(0), clone = next_uc++, second = next_uc++;
	uint64_t number = 3;
	struct message m;

	count(0, uc);
	CHECK(client_capture(&client, 0, uc, number, false, &c) == 0);
	CHECK(client_deploy(&client, 0, clone, number) == 0);
	m = client_call(&client, 0, CONTROL_DROP, 0, &number, sizeof number);
	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	CHECK(client_deploy(&client, 0, second, number) == ENOENT);
	CHECK(count(0, clone) == 2);
	CHECK(client_capture(&client, 0, clone, 4, false, &c) == 0);
	CHECK(client_deploy(&client, 1, second, 4) == 0);
	CHECK(count(1, second) == 3);
	kill_uc(1, second);
}

/* From the second deploy on a template may serve; the UCs must not differ. */
static void templates_make_no_difference(void)
{
	struct control_captured c;
	uint64_t number = 6;
	uint32_t uc = boot(0);
	struct message m;

	CHECK(count(0, uc) == 1);
	CHECK(client_capture(&client, 0, uc, number, false, &c) == 0);
	for (int i = 0; i < 12; i++) {
		struct probe_call poke = { .op = PROBE_POKE, .args = { UC_ARENA_BASE, 77 } };
		struct probe_call peek = { .op = PROBE_PEEK, .args = { UC_ARENA_BASE } };
		struct probe_call call = { .op = PROBE_GUEST_CALL, .nr = SYS_getpid };

		uc = next_uc++;
		CHECK(client_deploy(&client, 0, uc, number) == 0);
		CHECK(count(0, uc) == 2);
		CHECK(ask(0, uc, &peek) == 0);
		CHECK(ask(0, uc, &poke) == 77);
		CHECK(ask(0, uc, &call) == PROBE_TRAPPED);
		if (i == 6) {
			CHECK(client_capture(&client, 0, uc, number + 1, true, &c) == 0);
			CHECK(c.parent == number);
		}
		/* Enough for embryos to stand ready, but not each time. */
		if (i % 4 == 0)
			usleep(100000);
		kill_uc(0, uc);
	}
	uc = next_uc++;
	CHECK(client_deploy(&client, 1, uc, number + 1) == 0);
	CHECK(count(1, uc) == 3);
	kill_uc(1, uc);
	m = client_call(&client, 0, CONTROL_DROP, 0, &number, sizeof number);
	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
	CHECK(client_deploy(&client, 0, next_uc++, number) == ENOENT);
}

/* ---- limits and ends ---- */

static void too_much_memory_kills(void)
{
	uint32_t uc = boot(0);
	struct probe_call grow = { .op = PROBE_GROW, .args = { ARENA, 2 * MEMORY, UC_POPULATE_MAX, 0 } };

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &grow, sizeof grow);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_MEMORY);
}

static void make_idle(uint32_t uc)
{
	client_send(&client, 0, CONTROL_IDLE, 0, 0, 0, &uc, sizeof uc);
}

static void one_that_is_idle_may_rest_only(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	uint32_t resting = boot(0), uc = boot(0);

	CHECK(count(0, resting) == 1);
	make_idle(resting);
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	client_await_cpu(&client, 0, uc, 300000000);
	make_idle(uc);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_IDLE);
	CHECK(count(0, resting) == 2);
	kill_uc(0, resting);
}

static void a_message_is_not_waited_for_in_vain(void)
{
	struct probe_call spin = { .op = PROBE_SPIN }, more = { .op = PROBE_COUNT };
	uint32_t uc = boot(0);

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	client_await_cpu(&client, 0, uc, 300000000);
	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &more, sizeof more);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_IDLE);
}

static void an_exit_is_told_after_its_frames(void)
{
	struct probe_call leave = { .op = PROBE_EXIT, .args = { 7 } };
	uint32_t uc = boot(0);
	struct message m;

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &leave, sizeof leave);
	CHECK(client_receive(&client, 0, 5000, &m));
	CHECK(m.frame.type == CONTROL_LINK && m.frame.flags == LINK_EXIT && m.frame.uc == uc);
	message_free(&m);
	client_await_exit(&client, 0, uc);
	CHECK(client.last_exit.reason == CONTROL_EXIT_SELF && WEXITSTATUS(client.last_exit.wait_status) == 7);
}

static void a_kill_is_final(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	uint32_t uc = boot(0);

	client_send(&client, 0, CONTROL_SEND, LINK_DRIVER_IN, uc, 0, &spin, sizeof spin);
	kill_uc(0, uc);
	kill_uc(0, uc);
	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(0, uc) == 1);
	kill_uc(0, uc);
}

static bool is_gone(uint32_t pid)
{
	for (int ms = 0; ms < GONE_WAIT_MS; ms += 10) {
		if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

static void nothing_outlives_the_node(void)
{
	struct probe_call spin = { .op = PROBE_SPIN };
	uint32_t spinning = boot(1), idle = client_stat(&client, 0, boot(0)).pid,
		 busy = client_stat(&client, 1, spinning).pid;

	client_send(&client, 1, CONTROL_SEND, LINK_DRIVER_IN, spinning, 0, &spin, sizeof spin);
	CHECK(WIFEXITED(client_stop(&client)));
	CHECK(is_gone(idle) && is_gone(busy));
	client_start(&client, tender_path, libos_path);
	idle = client_stat(&client, 0, boot(0)).pid;
	CHECK(WIFSIGNALED(client_close(&client, 0, true)));
	CHECK(is_gone(idle));
	CHECK(WIFEXITED(client_close(&client, 1, false)));
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: live_test TENDER PROBE\n");
		return 2;
	}
	tender_path = argv[1];
	libos_path = argv[2];
	client_start(&client, tender_path, libos_path);
	RUN(a_snapshot_goes_on_where_it_was_taken);
	RUN(lineages_may_be_deep);
	RUN(a_spinning_guest_can_be_captured);
	RUN(a_dropped_snapshot_lives_on_in_its_ucs);
	RUN(templates_make_no_difference);
	RUN(too_much_memory_kills);
	RUN(one_that_is_idle_may_rest_only);
	RUN(a_message_is_not_waited_for_in_vain);
	RUN(an_exit_is_told_after_its_frames);
	RUN(a_kill_is_final);
	RUN(nothing_outlives_the_node);
	return 0;
}
