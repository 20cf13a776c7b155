/*
 * Runs a target on mutations of its seeds, and keeps those that reach code which no other has reached (the
 * compiler calls __sanitizer_cov_trace_pc at each branch). What ends the process is saved first. The same
 * seed, the same series.
 *
 *   TARGET [--seconds N] [--seed S] [--out DIR]     TARGET FILE…: these inputs alone
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 65536u
#define CORPUS_MAX 8192u
#define EDGES (1u << 16)
/* An input that takes so long hangs. */
#define HANG_S 10
#define CHANGES_MAX 6u

struct input {
	uint8_t *bytes;
	size_t size;
};

static struct input corpus[CORPUS_MAX];
static unsigned corpus_count;
static bool reached[EDGES], seen[EDGES];
/* Those reached by the current input. */
static uint16_t reached_now[EDGES];
static unsigned reached_count, seen_count;
static const char *out = ".", *name = "";
static uint8_t current[INPUT_MAX];
static size_t current_size;
static volatile uint64_t done;
static uint64_t state;

void __sanitizer_set_death_callback(void (*callback)(void));
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);

	uint16_t edge = (uint16_t)(pc ^ pc >> 16);

	if (reached[edge])
		return;
	reached[edge] = true;
	reached_now[reached_count++] = edge;
}

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull >> 16;
}

static size_t below(size_t n)
{
	return n ? next() % n : 0;
}

/* ---- what a failure leaves ---- */

static void save(void)
{
	static bool saved;
	char path[512];
	uint64_t hash = 0xcbf29ce484222325ull;
	int fd;

	if (saved)
		return;
	saved = true;
	for (size_t i = 0; i < current_size; i++)
		hash = (hash ^ current[i]) * 0x100000001b3ull;
	snprintf(path, sizeof path, "%s/%s-%016lx", out, name, (unsigned long)hash);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, current, current_size) != (ssize_t)current_size)
		fprintf(stderr, "%s: the input cannot be saved: %s\n", path, strerror(errno));
	else
		fprintf(stderr, "input %lu failed and is kept: %s\n", (unsigned long)done, path);
}

static void on_abort(int number)
{
	(void)number;
	save();
	_exit(1);
}

static void on_look(int number)
{
	static uint64_t last = UINT64_MAX;

	(void)number;
	if (last == done) {
		fprintf(stderr, "an input has taken %d seconds\n", HANG_S);
		save();
		_exit(1);
	}
	last = done;
	alarm(HANG_S);
}

/* ---- inputs ---- */

static bool keep_what_is_new(void)
{
	bool found = false;

	for (; reached_count; reached_count--) {
		uint16_t edge = reached_now[reached_count - 1];

		reached[edge] = false;
		found |= !seen[edge];
		seen_count += !seen[edge];
		seen[edge] = true;
	}
	return found;
}

static void try_current(void)
{
	uint8_t *copy = malloc(current_size ? current_size : 1);

	/* A block of just that size: what reads beyond it is seen. */
	memcpy(copy, current, current_size);
	LLVMFuzzerTestOneInput(copy, current_size);
	free(copy);
	done++;
	if (!keep_what_is_new() || corpus_count == CORPUS_MAX)
		return;
	corpus[corpus_count].bytes = malloc(current_size ? current_size : 1);
	memcpy(corpus[corpus_count].bytes, current, current_size);
	corpus[corpus_count++].size = current_size;
}

static void take(const uint8_t *bytes, size_t size)
{
	current_size = size < INPUT_MAX ? size : INPUT_MAX;
	memcpy(current, bytes, current_size);
}

static void put_number(size_t at)
{
	static const uint64_t values[] = { 0,           1,          2,          7,          8,
					   0x7f,        0x80,       0xff,       0x7fff,     0x8000,
					   0xffff,      0x10000,    0x7fffffff, 0x80000000, 0xffffffff,
					   0x100000000, 1ull << 39, 1ull << 47, 1ull << 63, ~0ull,
					   ~0ull >> 1 };
	size_t width = (size_t)1 << below(4);
	uint64_t value = 0;

	if (at + width > current_size)
		return;
	memcpy(&value, current + at, width);
	switch (below(4)) {
	case 0:
		value = values[below(sizeof values / sizeof values[0])];
		break;
	case 1:
		value += below(64);
		break;
	case 2:
		value -= below(64);
		break;
	default:
		value = next();
	}
	memcpy(current + at, &value, width);
}

static void move_block(void)
{
	size_t from = below(current_size), to = below(current_size);
	size_t bytes = below(current_size - (from > to ? from : to));

	memmove(current + to, current + from, bytes);
}

static void resize(void)
{
	size_t at = below(current_size + 1), bytes = 1 + below(below(8) ? 16 : 1024);

	if (below(2) && current_size + bytes <= INPUT_MAX) {
		memmove(current + at + bytes, current + at, current_size - at);
		memset(current + at, (int)next(), bytes);
		current_size += bytes;
	} else {
		if (bytes > current_size - at)
			bytes = current_size - at;
		memmove(current + at, current + at + bytes, current_size - at - bytes);
		current_size -= bytes;
	}
}

static void take_from_another(void)
{
	const struct input *other = &corpus[below(corpus_count)];
	size_t from = below(other->size), to = below(current_size + 1);
	size_t bytes = below(other->size - from + 1);

	if (to + bytes > INPUT_MAX)
		bytes = INPUT_MAX - to;
	memcpy(current + to, other->bytes + from, bytes);
	if (current_size < to + bytes)
		current_size = to + bytes;
}

static void mutate(void)
{
	size_t at = below(current_size);

	switch (below(8)) {
	case 0:
		resize();
		break;
	case 1:
		take_from_another();
		break;
	case 2:
		if (current_size)
			move_block();
		break;
	case 3:
		if (current_size)
			current[at] ^= (uint8_t)(1u << below(8));
		break;
	case 4:
		if (current_size)
			current[at] = (uint8_t)next();
		break;
	default:
		put_number(below(2) ? at : at & ~(size_t)7);
	}
}

static void try_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, current, sizeof current);

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	close(fd);
	current_size = (size_t)n;
	try_current();
}

static void begin_corpus(void)
{
	uint8_t *seed;
	size_t size;

	for (unsigned i = 0; (seed = fuzz_seed(i, &size)); i++) {
		take(seed, size);
		try_current();
		free(seed);
	}
	current_size = 0;
	try_current();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(void)
{
	printf("%s: %lu inputs, %u branches reached, %u inputs kept\n", name, (unsigned long)done, seen_count,
	       corpus_count);
	fflush(stdout);
}

static void run(double seconds)
{
	double end = now() + seconds, told = now();

	begin_corpus();
	do {
		for (int i = 0; i < 100; i++) {
			const struct input *from = &corpus[below(corpus_count)];

			take(from->bytes, from->size);
			for (size_t changes = 1 + below(CHANGES_MAX); changes; changes--)
				mutate();
			try_current();
		}
		if (now() - told > 10) {
			told = now();
			report();
		}
	} while (now() < end);
	report();
}

int main(int argc, char **argv)
{
	double seconds = 10;
	uint64_t seed = 1;
	int files = 0;

	name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	signal(SIGABRT, on_abort);
	signal(SIGALRM, on_look);
	__sanitizer_set_death_callback(save);
	alarm(HANG_S);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			seconds = atof(argv[++i]);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--out") && i + 1 < argc)
			out = argv[++i];
		else
			files++, try_file(argv[i]);
	}
	if (files)
		return 0;
	state = seed * 0x9e3779b97f4a7c15ull + 0x853c49e6748fea9bull;
	run(seconds);
	return 0;
}
