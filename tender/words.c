#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers.h"
#include "sealed.h"

/* Words of the own pack, by offset. */
struct block {
	struct list_node node;
	uint64_t offset, bytes;
	int refs; /* tenders that hold them */
};

int words_pack_create(void)
{
	int fd = sealed_create("seuss-words");

	if (fd < 0)
		fatal(-fd, "memory file for words");
	return fd;
}

void words_init(struct tender *t, const int *packs)
{
	t->packs = packs;
	table_init(&t->blocks);
}

static struct list_node *chain_of(struct tender *t, uint64_t offset)
{
	return table_chain(&t->blocks, offset / UC_PAGE_SIZE);
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
	return fallocate(t->packs[t->index], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)PAGE_UP(bytes));
}

int words_new(struct tender *t, const void *plan, uint64_t bytes, struct words *w)
{
	uint64_t offset = t->pack_end;
	struct block *b;
	int error = pwrite_all(t->packs[t->index], plan, bytes, offset);

	if (error) {
		punch(t, offset, bytes);
		return error;
	}
	b = xcalloc(1, sizeof *b);
	*b = (struct block){ .offset = offset, .bytes = bytes, .refs = 1 };
	list_add_tail(&b->node, chain_of(t, offset));
	t->pack_end += PAGE_UP(bytes);
	*w = (struct words){ .owner = t->index, .offset = offset, .bytes = bytes };
	return 0;
}

int words_new_from(struct tender *t, int fd, uint64_t bytes, struct words *w)
{
	char *plan = xcalloc(1, bytes);
	int error = pread_all(fd, plan, bytes, 0);

	if (!error)
		error = words_new(t, plan, bytes, w);
	free(plan);
	return error;
}

void words_share(struct tender *t, const struct words *w)
{
	find(t, w->offset)->refs++;
}

void words_released(struct tender *t, uint64_t offset)
{
	struct block *b = find(t, offset);

	if (!b)
		fatal(0, "release of words that this tender has not");
	if (--b->refs)
		return;
	if (punch(t, b->offset, b->bytes) < 0)
		fatal(errno, "FALLOC_FL_PUNCH_HOLE");
	list_del(&b->node);
	free(b);
}

void words_release(struct tender *t, const struct words *w)
{
	if (w->owner == t->index)
		words_released(t, w->offset);
	else
		peers_release(t, w);
}

int words_view(const struct tender *t, const struct snapshot *s, struct plan_view *view)
{
	return plan_open_at(t->packs[s->words.owner], s->words.offset, s->words.bytes, view);
}

/* ---- files of their own ---- */

static void close_file(struct tender *t, struct snapshot *s)
{
	close(s->words_fd);
	s->words_fd = -1;
	t->words_files[s->words_slot] = NULL;
}

static int make_file(const struct tender *t, const struct words *w)
{
	char *plan = xcalloc(1, w->bytes);
	int fd = -1, error = pread_all(t->packs[w->owner], plan, w->bytes, w->offset);

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

int words_file(struct tender *t, struct snapshot *s)
{
	unsigned slot;
	int fd;

	if (s->words_fd >= 0)
		return s->words_fd;
	fd = make_file(t, &s->words);
	if (fd < 0)
		return fd;
	slot = t->next_words_file++ % WORDS_FILES_MAX;
	if (t->words_files[slot])
		close_file(t, t->words_files[slot]);
	t->words_files[slot] = s;
	s->words_slot = slot;
	s->words_fd = fd;
	return fd;
}

void words_forget(struct tender *t, struct snapshot *s)
{
	if (s->words_fd >= 0)
		close_file(t, s);
	words_release(t, &s->words);
}
