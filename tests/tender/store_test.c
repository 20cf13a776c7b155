/* Snapshots in files: a real tender, with the probe as its library OS, writes, reads and refuses them. */
#include "check.h"
#include "stored_snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void a_loaded_lineage_is_what_was_stored(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root);
	uint64_t root_again = next_stored++, child_again = next_stored++;
	struct control_captured c;
	struct control_stored s;

	CHECK(store(root, "root", &s) == 0 && s.plan_bytes && s.layer_bytes);
	CHECK(store(child, "child", &s) == 0 && s.plan_bytes && s.layer_bytes);
	drop_stored(child);
	drop_stored(root);
	CHECK(load(root_again, 0, "root", &c) == 0 && c.parent == 0 && c.own_pages && c.maps);
	CHECK(load(child_again, root_again, "child", &c) == 0 && c.parent == root_again && c.shared_pages);
	for (int i = 0; i < CLIENT_TENDERS; i++)
		for (int turn = 0; turn < 4; turn++)
			check_stored(i, child_again);
	/* And once more, out of what was loaded. */
	CHECK(store(root_again, "root2", &s) == 0 && store(child_again, "child2", &s) == 0);
	drop_stored(child_again);
	drop_stored(root_again);
	CHECK(load(next_stored, 0, "root2", &c) == 0 &&
	      load(next_stored + 1, next_stored, "child2", &c) == 0);
	check_stored(0, next_stored + 1);
	drop_stored(next_stored + 1);
	drop_stored(next_stored);
	next_stored += 2;
}

/* Its layer numbers would mean other layers. */
static void a_child_needs_the_layers_it_was_stored_with(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root),
		 other = root_snapshot_with(ROOM_PAGES + 2);
	struct control_captured c;
	struct control_stored s;

	CHECK(store(child, "kin", &s) == 0);
	CHECK(load(next_stored, 0, "kin", &c) != 0);
	CHECK(load(next_stored, child, "kin", &c) != 0);
	CHECK(load(next_stored, other, "kin", &c) == ESTALE);
	CHECK(load(next_stored, 12345, "kin", &c) == ESTALE);
	CHECK(load(next_stored, root, "kin", &c) == 0);
	check_stored(1, next_stored++);
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
	CHECK(load(next_stored, 0, "missing", &c) == ENOENT);
	for (size_t bytes = 0; bytes <= sizeof(struct control_load); bytes += 4) {
		char zero[sizeof(struct control_load)] = { 0 };

		m = client_call(&client, 0, CONTROL_LOAD, 0, zero, bytes);
		CHECK(error_and_free(&m) == EINVAL);
		m = client_call(&client, 0, CONTROL_STORE, 0, zero, bytes);
		CHECK(error_and_free(&m) == EINVAL);
	}
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	CHECK(fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes);
	close(fd);
}

/* What is written after the load is not seen: the plan was copied. A layer that is gone stays mapped. */
static void files_may_go_once_they_are_loaded(void)
{
	uint64_t root = root_snapshot(), child = child_snapshot(root);
	struct control_captured c;
	struct control_stored s;
	char path[PATH_BYTES];

	CHECK(store(child, "gone", &s) == 0);
	CHECK(load(next_stored, root, "gone", &c) == 0);
	path_of(path, "gone");
	strcat(path, ".plan");
	write_file(path, "no plan", 7);
	CHECK(unlink(path) == 0);
	path_of(path, "gone");
	strcat(path, ".layer");
	CHECK(unlink(path) == 0);
	check_stored(0, next_stored);
	check_stored(1, next_stored++);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	stored_start(argv[1], argv[2]);
	RUN(a_loaded_lineage_is_what_was_stored);
	RUN(a_child_needs_the_layers_it_was_stored_with);
	RUN(wrong_requests_are_refused);
	RUN(files_may_go_once_they_are_loaded);
	stored_stop();
	return 0;
}
