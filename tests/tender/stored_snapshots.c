#include "stored_snapshots.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define PAGE UC_PAGE_SIZE

uint32_t next_uc = 1;
uint64_t next_stored = 1;
static char dir[64];

void stored_start(const char *tender_path, const char *libos_path)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/seuss-store-test-XXXXXX");
	CHECK(mkdtemp(dir));
	client_start(&client, tender_path, libos_path);
}

void stored_stop(void)
{
	char command[128];
	int status = client_stop(&client);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK(system(command) == 0);
}

static void map(uint32_t uc, uint64_t addr, uint64_t pages, uint64_t prot)
{
	struct probe_call call = {
		.op = PROBE_HOST_CALL,
		.nr = SYS_mmap,
		.args = { addr, pages * PAGE, prot, FIXED, -1ul, 0 },
	};

	CHECK(ask(uc, &call).result == addr);
}

int error_and_free(struct message *m)
{
	int32_t error = 0;

	if (m->frame.type == CONTROL_ERROR)
		memcpy(&error, m->payload, sizeof error);
	message_free(m);
	return error;
}

void drop_stored(uint64_t snapshot)
{
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		struct message m = client_call(&client, i, CONTROL_DROP, 0, &snapshot, sizeof snapshot);

		CHECK(error_and_free(&m) == 0);
	}
}

void path_of(char *path, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", dir, name);
}

int store(uint64_t snapshot, const char *name, struct control_stored *out)
{
	struct {
		uint64_t number;
		char path[PATH_BYTES];
	} request = { .number = snapshot };
	struct message m;

	path_of(request.path, name);
	m = client_call(&client, 0, CONTROL_STORE, 0, &request, sizeof request.number + strlen(request.path));
	if (m.frame.type == CONTROL_OK) {
		CHECK(m.frame.len == sizeof *out);
		memcpy(out, m.payload, sizeof *out);
	}
	return error_and_free(&m);
}

int load(uint64_t snapshot, uint64_t parent, const char *name, struct control_captured *out)
{
	struct {
		struct control_load head;
		char path[PATH_BYTES];
	} request = { .head = { .snapshot = snapshot, .parent = parent } };
	struct message m;

	path_of(request.path, name);
	m = client_call(&client, 1, CONTROL_LOAD, 0, &request, sizeof request.head + strlen(request.path));
	if (m.frame.type == CONTROL_OK) {
		CHECK(m.frame.len == sizeof *out);
		memcpy(out, m.payload, sizeof *out);
	}
	return error_and_free(&m);
}

uint32_t deploy_stored(uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, tender, uc, from) == 0);
	return uc;
}

uint64_t root_snapshot_with(uint64_t pages)
{
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(uc) == 1);
	map(uc, ROOM, pages, 3);
	for (uint64_t i = 0; i < pages; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	CHECK(client_capture(&client, 0, uc, next_stored, false, &c) == 0);
	return next_stored++;
}

uint64_t root_snapshot(void)
{
	return root_snapshot_with(ROOM_PAGES);
}

uint64_t child_snapshot(uint64_t parent)
{
	struct control_captured c;
	uint32_t uc = deploy_stored(parent);

	CHECK(count(uc) == 2);
	for (uint64_t i = 1; i < ROOM_PAGES; i += 4)
		poke(uc, ROOM + i * PAGE, 1000 + i);
	map(uc, ROOM + (1 << 20), 4, 7);
	poke(uc, ROOM + (1 << 20), 77);
	CHECK(client_capture(&client, 0, uc, next_stored, false, &c) == 0);
	return next_stored++;
}

void check_stored(int i, uint64_t snapshot)
{
	uint32_t uc;

	tender = i;
	uc = deploy_stored(snapshot);
	CHECK(count(uc) == 3);
	for (uint64_t at = 0; at < ROOM_PAGES; at++)
		CHECK(peek(uc, ROOM + at * PAGE) == (at % 2 == 0 ? at + 1 : at % 4 == 1 ? 1000 + at : 0));
	CHECK(peek(uc, ROOM + (1 << 20)) == 77);
	kill_uc(uc);
	tender = 0;
}
