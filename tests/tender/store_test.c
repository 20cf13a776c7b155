/* Snapshots in files: a real tender, with the probe as its library OS, writes, reads and refuses them. */
#include "check.h"
#include "tender_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../abi/layout.h"
#include "../../abi/plan.h"

#define MEMORY (64ul << 20)
#define FIXED (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
#define ROOM (UC_ARENA_BASE + (16ul << 20))
#define ROOM_PAGES 64ul
#define PAGE UC_PAGE_SIZE
#define PATH_BYTES 256
#define FUZZ_ROUNDS 400
#define LIFE_MS 200

static struct client client;
static uint32_t next_uc = 1;
static uint64_t next_snapshot = 1;
static char dir[64];

static struct probe_result ask(int i, uint32_t uc, const struct probe_call *call)
{
	struct probe_result r;

	CHECK(client_probe(&client, i, uc, call, &r) == PROBE_ANSWERED);
	return r;
}

static uint64_t count(int i, uint32_t uc)
{
	return ask(i, uc, &(struct probe_call){ .op = PROBE_COUNT }).result;
}

static uint64_t peek(int i, uint32_t uc, uint64_t addr)
{
	return ask(i, uc, &(struct probe_call){ .op = PROBE_PEEK, .args = { addr } }).result;
}

static void poke(uint32_t uc, uint64_t addr, uint64_t value)
{
	CHECK(ask(0, uc, &(struct probe_call){ .op = PROBE_POKE, .args = { addr, value } }).result == value);
}

static void map(uint32_t uc, uint64_t addr, uint64_t pages, uint64_t prot)
{
	struct probe_call call = {
		.op = PROBE_HOST_CALL,
		.nr = SYS_mmap,
		.args = { addr, pages * PAGE, prot, FIXED, -1ul, 0 },
	};

	CHECK(ask(0, uc, &call).result == addr);
}

static void kill_uc(int i, uint32_t uc)
{
	struct message m = client_call(&client, i, CONTROL_KILL, uc, "", 0);

	CHECK(m.frame.type == CONTROL_OK);
	message_free(&m);
}

static int error_and_free(struct message *m)
{
	int32_t error = 0;

	if (m->frame.type == CONTROL_ERROR)
		memcpy(&error, m->payload, sizeof error);
	message_free(m);
	return error;
}

static void drop(uint64_t snapshot)
{
	for (int i = 0; i < CLIENT_TENDERS; i++) {
		struct message m = client_call(&client, i, CONTROL_DROP, 0, &snapshot, sizeof snapshot);

		CHECK(error_and_free(&m) == 0);
	}
}

static void path_of(char *path, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", dir, name);
}

/* 0 or the errno of the reply. */
static int store(uint64_t snapshot, const char *name, struct control_stored *out)
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

static int load(uint64_t snapshot, uint64_t parent, const char *name, struct control_captured *out)
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

static uint32_t deploy(int i, uint64_t from)
{
	uint32_t uc = next_uc++;

	CHECK(client_deploy(&client, i, uc, from) == 0);
	return uc;
}

/* Has counted once, and a word on each of the even pages of ROOM, which has so many. */
static uint64_t root_snapshot_with(uint64_t pages)
{
	struct control_captured c;
	uint32_t uc = next_uc++;

	client_boot(&client, 0, uc, MEMORY, "/");
	CHECK(count(0, uc) == 1);
	map(uc, ROOM, pages, 3);
	for (uint64_t i = 0; i < pages; i += 2)
		poke(uc, ROOM + i * PAGE, i + 1);
	CHECK(client_capture(&client, 0, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

static uint64_t root_snapshot(void)
{
	return root_snapshot_with(ROOM_PAGES);
}

/* Counts once more, writes to odd pages, maps executable memory. */
static uint64_t child_snapshot(uint64_t parent)
{
	struct control_captured c;
	uint32_t uc = deploy(0, parent);

	CHECK(count(0, uc) == 2);
	for (uint64_t i = 1; i < ROOM_PAGES; i += 4)
		poke(uc, ROOM + i * PAGE, 1000 + i);
	map(uc, ROOM + (1 << 20), 4, 7);
	poke(uc, ROOM + (1 << 20), 77);
	CHECK(client_capture(&client, 0, uc, next_snapshot, false, &c) == 0);
	return next_snapshot++;
}

static void check_child(int i, uint64_t snapshot)
{
	uint32_t uc = deploy(i, snapshot);

	CHECK(count(i, uc) == 3);
	for (uint64_t at = 0; at < ROOM_PAGES; at++)
		CHECK(peek(i, uc, ROOM + at * PAGE) == (at % 2 == 0 ? at + 1 : at % 4 == 1 ? 1000 + at : 0));
	CHECK(peek(i, uc, ROOM + (1 << 20)) == 77);
	kill_uc(i, uc);
}

/* ---- tests ---- */

static void a_loaded_lineage_is_what_was_stored(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root);
	uint64_t root_again = next_snapshot++, child_again = next_snapshot++;
	struct control_captured c;
	struct control_stored s;

	CHECK(store(root, "root", &s) == 0 && s.plan_bytes && s.layer_bytes);
	CHECK(store(child, "child", &s) == 0 && s.plan_bytes && s.layer_bytes);
	drop(child);
	drop(root);
	CHECK(load(root_again, 0, "root", &c) == 0 && c.parent == 0 && c.own_pages && c.maps);
	CHECK(load(child_again, root_again, "child", &c) == 0 && c.parent == root_again && c.shared_pages);
	for (int i = 0; i < CLIENT_TENDERS; i++)
		for (int turn = 0; turn < 4; turn++)
			check_child(i, child_again);
	/* And once more, out of what was loaded. */
	CHECK(store(root_again, "root2", &s) == 0 && store(child_again, "child2", &s) == 0);
	drop(child_again);
	drop(root_again);
	CHECK(load(next_snapshot, 0, "root2", &c) == 0 &&
	      load(next_snapshot + 1, next_snapshot, "child2", &c) == 0);
	check_child(0, next_snapshot + 1);
	drop(next_snapshot + 1);
	drop(next_snapshot);
	next_snapshot += 2;
}

/* Its layer numbers would mean other layers. */
static void a_child_needs_the_layers_it_was_stored_with(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root),
		 other = root_snapshot_with(ROOM_PAGES + 2);
	struct control_captured c;
	struct control_stored s;

	CHECK(store(child, "kin", &s) == 0);
	CHECK(load(next_snapshot, 0, "kin", &c) != 0);
	CHECK(load(next_snapshot, child, "kin", &c) != 0);
	CHECK(load(next_snapshot, other, "kin", &c) == ESTALE);
	CHECK(load(next_snapshot, 12345, "kin", &c) == ESTALE);
	CHECK(load(next_snapshot, root, "kin", &c) == 0);
	check_child(1, next_snapshot++);
}

static void wrong_requests_are_refused(void)
{
	uint64_t root = root_snapshot();
	struct control_captured c;
	struct control_stored s;
	struct message m;

	CHECK(store(root, "wrong", &s) == 0);
	CHECK(store(root, "wrong", &s) == EEXIST);
	CHECK(store(root, "nowhere/wrong", &s) == ENOENT);
	CHECK(store(12345, "unknown", &s) == ESTALE);
	CHECK(load(root, 0, "wrong", &c) == EEXIST);
	CHECK(load(0, 0, "wrong", &c) == EINVAL);
	CHECK(load(next_snapshot, 0, "missing", &c) == ENOENT);
	for (size_t bytes = 0; bytes <= sizeof(struct control_load); bytes += 4) {
		char zero[sizeof(struct control_load)] = { 0 };

		m = client_call(&client, 0, CONTROL_LOAD, 0, zero, bytes);
		CHECK(error_and_free(&m) == EINVAL);
		m = client_call(&client, 0, CONTROL_STORE, 0, zero, bytes);
		CHECK(error_and_free(&m) == EINVAL);
	}
}

/* A name where the file should be, made by `make`. */
static void swap_plan(const char *name, int (*make)(const char *path))
{
	char path[PATH_BYTES], kept[PATH_BYTES];

	path_of(path, name);
	strcat(path, ".plan");
	path_of(kept, "kept");
	CHECK(rename(path, kept) == 0 && make(path) == 0);
}

static void swap_back(const char *name)
{
	char path[PATH_BYTES], kept[PATH_BYTES];

	path_of(path, name);
	strcat(path, ".plan");
	path_of(kept, "kept");
	CHECK(remove(path) == 0 && rename(kept, path) == 0);
}

/* One line each. */
/* clang-format off */
static int make_link(const char *path) { return symlink("kept", path); }
static int make_fifo(const char *path) { return mkfifo(path, 0600); }
static int make_dir(const char *path) { return mkdir(path, 0700); }
static int make_empty(const char *path) { return close(creat(path, 0600)); }
/* clang-format on */

static int make_endless(const char *path)
{
	int fd = creat(path, 0600);

	return ftruncate(fd, 1ll << 40) < 0 ? -1 : close(fd);
}

static void what_is_no_file_of_pages_is_refused(void)
{
	int (*const makers[])(const char *) = { make_link, make_fifo, make_dir, make_empty, make_endless };
	uint64_t root = root_snapshot();
	struct control_captured c;
	struct control_stored s;

	CHECK(store(root, "swap", &s) == 0);
	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
		swap_plan("swap", makers[i]);
		CHECK(load(next_snapshot, 0, "swap", &c) != 0);
		swap_back("swap");
	}
	CHECK(load(next_snapshot++, 0, "swap", &c) == 0);
}

static uint64_t draw(void)
{
	static uint64_t state = 0x2545f4914f6cdd1dull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t read_file(const char *path, char **text)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	*text = malloc((size_t)st.st_size);
	CHECK(read(fd, *text, (size_t)st.st_size) == st.st_size);
	close(fd);
	return (size_t)st.st_size;
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	CHECK(fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes);
	close(fd);
}

/* Deploys it, and lets the context do what it can. One may well run for ever. */
static void try_it(uint64_t snapshot)
{
	uint32_t uc = next_uc++;
	struct probe_result r;

	if (client_deploy(&client, 0, uc, snapshot) == 0 &&
	    client_probe_within(&client, 0, uc, &(struct probe_call){ .op = PROBE_COUNT }, LIFE_MS, &r) !=
		    PROBE_ENDED)
		kill_uc(0, uc);
}

/* Without the checksums that the node looks at first: the tender and its other contexts must not mind. */
static void a_changed_plan_harms_nobody(void)
{
	uint64_t root = root_snapshot(), other = deploy(0, root), refused = 0;
	char path[PATH_BYTES], *good, *text;
	struct control_captured c;
	struct control_stored s;
	size_t bytes;

	CHECK(store(root, "fuzz", &s) == 0);
	path_of(path, "fuzz");
	strcat(path, ".plan");
	bytes = read_file(path, &good);
	text = malloc(bytes);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		size_t length = round % 8 ? bytes : draw() % bytes;

		memcpy(text, good, bytes);
		for (uint64_t n = draw() % 3 + 1; n; n--)
			text[draw() % bytes] = (char)draw();
		write_file(path, text, length);
		if (load(next_snapshot, 0, "fuzz", &c)) {
			refused++;
			continue;
		}
		try_it(next_snapshot);
		drop(next_snapshot++);
	}
	CHECK(refused > FUZZ_ROUNDS / 8);
	CHECK(count(0, (uint32_t)other) == 2);
	free(text);
	free(good);
}

/* What is written after the load is not seen: the plan was copied. A layer that is gone stays mapped. */
static void files_may_go_once_they_are_loaded(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root);
	struct control_captured c;
	struct control_stored s;
	char path[PATH_BYTES];

	CHECK(store(child, "gone", &s) == 0);
	CHECK(load(next_snapshot, root, "gone", &c) == 0);
	path_of(path, "gone");
	strcat(path, ".plan");
	write_file(path, "no plan", 7);
	CHECK(unlink(path) == 0);
	path_of(path, "gone");
	strcat(path, ".layer");
	CHECK(unlink(path) == 0);
	check_child(0, next_snapshot);
	check_child(1, next_snapshot++);
}

int main(int argc, char **argv)
{
	char command[128];
	int status;

	CHECK(argc == 3);
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/seuss-store-test-XXXXXX");
	CHECK(mkdtemp(dir));
	client_start(&client, argv[1], argv[2]);
	RUN(a_loaded_lineage_is_what_was_stored);
	RUN(a_child_needs_the_layers_it_was_stored_with);
	RUN(wrong_requests_are_refused);
	RUN(what_is_no_file_of_pages_is_refused);
	RUN(a_changed_plan_harms_nobody);
	RUN(files_may_go_once_they_are_loaded);
	status = client_stop(&client);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}
