#include "memory/packs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/layout.h"
#include "base/base.h"
#include "base/peer_set.h"
#include "base/sealed.h"
#include "base/table.h"
#include "memory/hooks.h"
#include "plan/plan.h"
#include "tender.h"

/* Words of the own pack, by offset. */
struct block {
	struct list_node node;
	uint64_t offset, bytes;
	struct peer_set holders; /* tenders */
};

void packs_init(struct tender *t)
{
	int fd = sealed_create("seuss-pack");

	if (fd < 0)
		fatal(-fd, "memory file for words");
	for (int i = 0; i < PEERS_MAX; i++)
		t->packs.fds[i] = -1;
	t->packs.fds[t->index] = fd;
	table_init(&t->packs.blocks);
}

int packs_fd(const struct tender *t, int owner)
{
	return t->packs.fds[owner];
}

void packs_set_fd(struct tender *t, int owner, int fd)
{
	close_if_open(t->packs.fds[owner]);
	t->packs.fds[owner] = fd;
}

static struct list_node *chain_of(struct tender *t, uint64_t offset)
{
	return table_chain(&t->packs.blocks, offset / UC_PAGE_SIZE);
}

static struct block *find(struct tender *t, uint64_t offset)
{
	list_for_each(n, chain_of(t, offset)) {
		struct block *b = list_entry(n, struct block, node);

		if (b->offset == offset)
			return b;
	}
	return NULL;
}

/* Gives the memory back; the place in the file is not used again, of which there is plenty. */
static int punch(const struct tender *t, uint64_t offset, uint64_t bytes)
{
	return fallocate(t->packs.fds[t->index], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)PAGE_UP(bytes));
}

int packed_new(struct tender *t, const void *plan, uint64_t bytes, struct packed_plan *w)
{
	uint64_t offset = t->packs.end;
	int error = pwrite_all(t->packs.fds[t->index], plan, bytes, offset);

	if (error) {
		punch(t, offset, bytes);
		return error;
	}
	packed_hold(t, offset, bytes, t->index);
	t->packs.end += PAGE_UP(bytes);
	*w = (struct packed_plan){ .owner = t->index, .offset = offset, .bytes = bytes };
	return 0;
}

int packed_new_from(struct tender *t, int fd, uint64_t bytes, struct packed_plan *w)
{
	char *plan = xcalloc(1, bytes);
	int error = pread_all(fd, plan, bytes, 0);

	if (!error)
		error = packed_new(t, plan, bytes, w);
	free(plan);
	return error;
}

void packed_hold(struct tender *t, uint64_t offset, uint64_t bytes, int holder)
{
	struct block *b = find(t, offset);

	if (!b) {
		b = xcalloc(1, sizeof *b);
		*b = (struct block){ .offset = offset, .bytes = bytes };
		list_add_tail(&b->node, chain_of(t, offset));
	}
	peer_set_add(&b->holders, holder);
}

static void let_go(struct tender *t, struct block *b, int holder)
{
	peer_set_remove(&b->holders, holder);
	if (!peer_set_is_empty(&b->holders))
		return;
	if (punch(t, b->offset, b->bytes) < 0)
		fatal(errno, "FALLOC_FL_PUNCH_HOLE");
	list_del(&b->node);
	free(b);
}

void packed_released(struct tender *t, uint64_t offset, int holder)
{
	struct block *b = find(t, offset);

	if (b)
		let_go(t, b, holder);
}

void packed_let_go(struct tender *t, int holder)
{
	for (size_t i = 0; i < TABLE_CHAINS; i++)
		list_for_each_safe(n, next, &t->packs.blocks.chains[i])
			let_go(t, list_entry(n, struct block, node), holder);
}

void packed_release(struct tender *t, const struct packed_plan *w)
{
	if (w->owner == t->index)
		packed_released(t, w->offset, t->index);
	else
		t->memory_hooks->packed_let_go(t, w);
}

int packed_view(const struct tender *t, const struct packed_plan *w, struct plan_view *view)
{
	return plan_open_at(t->packs.fds[w->owner], w->offset, w->bytes, view);
}

/* ---- a pack that was another's ---- */

int packed_take_list(struct tender *t, int fd, int holder)
{
	uint64_t held[2];
	int error;

	for (uint64_t at = 0; !(error = pread_all(fd, held, sizeof held, at)); at += sizeof held)
		packed_hold(t, held[0], held[1], holder);
	return error == -ENODATA ? 0 : error;
}

static int by_offset(const void *a, const void *b)
{
	const struct block *const *x = a, *const *y = b;

	return (*x)->offset<(*y)->offset ? -1 : (*x)->offset>(*y)->offset;
}

/* Gives back what lies between the blocks, which only the tender before held. */
int packed_settle(struct tender *t)
{
	struct block **sorted = NULL;
	size_t count = 0, size = 0;
	uint64_t end = 0;
	struct stat st;
	int error = fstat(t->packs.fds[t->index], &st) < 0 ? -errno : 0;

	if (error)
		return error;
	t->packs.end = PAGE_UP((uint64_t)st.st_size);
	for (size_t i = 0; i < TABLE_CHAINS; i++) {
		list_for_each(n, &t->packs.blocks.chains[i]) {
			if (count == size) {
				size = size ? size * 2 : 256;
				sorted = xrealloc(sorted, size * sizeof(struct block *));
			}
			sorted[count++] = list_entry(n, struct block, node);
		}
	}
	if (count)
		qsort(sorted, count, sizeof(struct block *), by_offset);
	for (size_t i = 0; !error && i <= count; i++) {
		uint64_t next = i < count ? sorted[i]->offset : t->packs.end;

		if (next > end && punch(t, end, next - end) < 0)
			error = -errno;
		if (i < count)
			end = PAGE_UP(sorted[i]->offset + sorted[i]->bytes);
	}
	free(sorted);
	return error;
}

/* ---- files of their own ---- */

static void close_file(struct tender *t, struct packed_file *file)
{
	close(file->fd);
	file->fd = -1;
	t->packs.files[file->slot] = NULL;
}

static int make_file(const struct tender *t, const struct packed_plan *w)
{
	char *plan = xcalloc(1, w->bytes);
	int fd = -1, error = pread_all(t->packs.fds[w->owner], plan, w->bytes, w->offset);

	if (!error)
		fd = sealed_create("seuss-plan");
	if (fd >= 0)
		error = pwrite_all(fd, plan, w->bytes, 0);
	free(plan);
	if (fd < 0)
		return error ? error : fd;
	if (error) {
		close(fd);
		return error;
	}
	return sealed_finish(fd);
}

int packed_file(struct tender *t, const struct packed_plan *w, struct packed_file *file)
{
	unsigned slot;
	int fd;

	if (file->fd >= 0)
		return file->fd;
	fd = make_file(t, w);
	if (fd < 0)
		return fd;
	slot = t->packs.next_file++ % PACKED_FILES_MAX;
	if (t->packs.files[slot])
		close_file(t, t->packs.files[slot]);
	t->packs.files[slot] = file;
	file->slot = slot;
	file->fd = fd;
	return fd;
}

void packed_forget(struct tender *t, const struct packed_plan *w, struct packed_file *file)
{
	if (file->fd >= 0)
		close_file(t, file);
	packed_release(t, w);
}
