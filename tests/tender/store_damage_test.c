/* Files of snapshots that somebody has changed, or put others in their place. */
#include "check.h"
#include "stored_snapshots.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FUZZ_ROUNDS 400
#define LIFE_MS 200

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
		CHECK(load(next_stored, 0, "swap", &c) != 0);
		swap_back("swap");
	}
	CHECK(load(next_stored++, 0, "swap", &c) == 0);
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
		kill_uc(uc);
}

/* Without the checksums that the node looks at first: the tender and its other contexts must not mind. */
static void a_changed_plan_harms_nobody(void)
{
	uint64_t root = root_snapshot(), other = deploy_stored(root), refused = 0;
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
		if (load(next_stored, 0, "fuzz", &c)) {
			refused++;
			continue;
		}
		try_it(next_stored);
		drop_stored(next_stored++);
	}
	CHECK(refused > FUZZ_ROUNDS / 8);
	CHECK(count((uint32_t)other) == 2);
	free(text);
	free(good);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	stored_start(argv[1], argv[2]);
	RUN(what_is_no_file_of_pages_is_refused);
	RUN(a_changed_plan_harms_nobody);
	stored_stop();
	return 0;
}
